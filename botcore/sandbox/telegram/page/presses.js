// Presses of one person: a button waits until the bot has answered to it.

import { press } from "./wire.js";

const PATIENCE_MS = 60_000;

export class Presses {
  #person;
  #toast;
  #waiting = new Map();
  #sending = 0;
  #early = new Set();

  /** `toast` shows a sentence to the person. */
  constructor(person, toast) {
    this.#person = person;
    this.#toast = toast;
  }

  /** What a button does when it is pressed. A waiting one does nothing. */
  async act(element, button, message) {
    if (button.copy_text) await this.#copy(button.copy_text.text);
    else if (button.callback_data === undefined) this.#toast("This kind of button does nothing here.");
    else if (element.ariaBusy !== "true") await this.#press(element, button, message);
  }

  /** The bot has answered: the button is free again. The answer may be here before the press is known to have arrived. */
  settle(queryId) {
    const wait = this.#waiting.get(queryId);
    if (wait) this.#free(queryId, wait);
    else if (this.#sending) this.#early.add(queryId);
  }

  /** The server forgot: nothing waits any more. */
  settleAll() {
    for (const [queryId, wait] of this.#waiting) this.#free(queryId, wait);
  }

  async #press(element, button, message) {
    element.ariaBusy = "true";
    this.#sending += 1;
    try {
      const { callback_query_id: queryId } = await press(this.#person.id, message.chat.id, message.message_id, button.callback_data);
      if (this.#early.has(queryId)) element.ariaBusy = null;
      else this.#waiting.set(queryId, { element, timer: setTimeout(() => this.#giveUp(queryId), PATIENCE_MS) });
    } catch (error) {
      element.ariaBusy = null;
      this.#toast(error.message);
    } finally {
      this.#sending -= 1;
      if (!this.#sending) this.#early.clear();
    }
  }

  #free(queryId, wait) {
    clearTimeout(wait.timer);
    this.#waiting.delete(queryId);
    wait.element.ariaBusy = null;
  }

  #giveUp(queryId) {
    this.#free(queryId, this.#waiting.get(queryId));
    this.#toast("The bot did not answer.");
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.#toast("Copied.");
    } catch {
      this.#toast("The browser does not allow copying here.");
    }
  }
}
