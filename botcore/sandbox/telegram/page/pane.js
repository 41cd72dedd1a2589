// One person with his chats.

import { Conversation } from "./conversation.js";
import { alertOf, toast } from "./notices.js";
import { Presses } from "./presses.js";
import { Tabs } from "./tabs.js";

export class Pane {
  #bot;
  #chats = new Map();
  #unread = new Map();
  #onUnread;

  /** `role` is what the person is to the bot, in words; `onUnread` hears how many messages wait in the chats of this person. */
  constructor(person, role, bot, onUnread) {
    this.person = person;
    this.#bot = bot;
    this.#onUnread = onUnread;
    this.element = document.querySelector("#pane").content.cloneNode(true).firstElementChild;
    this.element.id = `pane-${person.id}`;
    this.#part(".face").textContent = person.first_name.slice(0, 1);
    this.#part(".face").dataset.hue = String(person.id % 6);
    this.#part("h2").textContent = person.first_name;
    this.#part(".who p").textContent = `${role}, id ${person.id}`;
    this.#part(".chats").ariaLabel = `Chats of ${person.first_name}`;
    this.tabs = new Tabs(this.#part(".chats"), (key) => this.#choose(key));
    this.presses = new Presses(person, (text) => this.say(text));
  }

  /** Show the chats of this person, of all chats there are, each as it stands now. Throws what the wire throws. */
  async load(chats) {
    const mine = chats.filter((chat) => (chat.type === "private" ? chat.id === this.person.id : chat.people.includes(this.person.id)));
    const key = this.tabs.selected;
    const title = this.#chats.get(key)?.title;
    this.#close((id) => !mine.some((chat) => chat.id === id));
    for (const chat of mine) if (!this.#chats.has(chat.id)) this.#open(chat);
    this.tabs.show(mine.map(({ id }) => ({ key: id, label: this.#chats.get(id).title, panel: this.#chats.get(id).element })));
    if (!this.#chats.has(key)) for (const [id, chat] of this.#chats) if (chat.title === title) this.tabs.select(id); // a group that moved
    await Promise.all([...this.#chats.values()].map((chat) => chat.load()));
  }

  /** Show an event: a message of one of the chats, or an answer to a press of this person. */
  take(event) {
    if (event.kind === "answer") this.#answered(event);
    else if (event.kind === "commands") for (const chat of this.#chats.values()) chat.take(event);
    else this.#chats.get(event.chat_id)?.take(event);
  }

  /** The number of the newest event that every chat has shown. */
  get last() {
    return Math.min(...Array.from(this.#chats.values(), (chat) => chat.last));
  }

  /** Show a sentence to this person. */
  say(text) {
    toast(this.#part(".toasts"), text, `${this.person.first_name}: ${text}`);
  }

  /** Put the focus where this person writes. */
  focus() {
    this.#chats.get(this.tabs.selected)?.focus();
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }

  #open(chat) {
    const seat = { person: this.person, bot: this.#bot, chat };
    const press = (element, button, message) => this.presses.act(element, button, message);
    const conversation = new Conversation(seat, (text) => this.say(text), press, (count) => this.#count(chat.id, count));
    this.#chats.set(chat.id, conversation);
    this.element.append(conversation.element);
  }

  #close(gone) {
    for (const [id, chat] of [...this.#chats].filter(([id]) => gone(id))) {
      chat.element.remove();
      this.#chats.delete(id);
      this.#count(id, 0);
    }
  }

  #choose(id) {
    for (const [other, chat] of this.#chats) chat.element.hidden = other !== id;
  }

  #count(id, count) {
    this.#unread.set(id, count);
    this.tabs.badge(id, count);
    this.#onUnread([...this.#unread.values()].reduce((sum, one) => sum + one, 0));
  }

  #answered(event) {
    if (event.user_id !== this.person.id) return;
    this.presses.settle(event.callback_query_id);
    if (!event.text) return;
    const to = `${this.#bot.first_name} to ${this.person.first_name}`;
    if (event.show_alert) alertOf(to, event.text, () => this.focus());
    else toast(this.#part(".toasts"), event.text, `${to}: ${event.text}`);
  }
}
