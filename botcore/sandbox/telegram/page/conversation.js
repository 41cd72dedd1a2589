// One chat as one person sees it: its messages, what the bot is doing, and the line to write in.

import { Bubble } from "./bubble.js";
import { Composer } from "./composer.js";
import { enlarge } from "./notices.js";
import { Scroll } from "./scroll.js";
import { readChat, send } from "./wire.js";

const ACTION_MS = 5000;
const KEPT = 400;
const APART_SECONDS = 600;
const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "long" });
const ACTIONS = {
  typing: "is typing",
  upload_photo: "is sending a photo",
  upload_document: "is sending a file",
  choose_sticker: "is choosing a sticker",
  find_location: "is looking for a place",
};

export class Conversation {
  #seat;
  #acts;
  #onUnread;
  #bubbles = new Map();
  #last = 0;
  #unread = 0;
  #doing;

  /** `seat` is `{person, bot, chat}`; `say` shows the person a sentence, `press` presses a button, `onUnread` hears how many wait. */
  constructor(seat, say, press, onUnread) {
    this.#seat = seat;
    this.#onUnread = onUnread;
    this.say = say;
    this.#acts = { press, enlarge, command: (text) => this.write(text) };
    this.element = document.querySelector("#conversation").content.cloneNode(true).firstElementChild;
    this.element.id = `chat-${seat.person.id}-${seat.chat.id}`;
    this.element.setAttribute("aria-labelledby", `tab-${this.element.id}`);
    this.list = this.#part(".messages");
    this.list.ariaLabel = `Messages with ${this.title}`;
    this.#part(".scroller").ariaLabel = `Chat with ${this.title}`;
    this.scroll = new Scroll(this.#part(".scroller"), this.list, () => this.#look());
    this.#furnish();
  }

  /** What the chat is called for this person. */
  get title() {
    const { bot, chat } = this.#seat;
    return chat.type === "private" ? bot.first_name : chat.title;
  }

  /** The number of the newest event that is shown. */
  get last() {
    return this.#last;
  }

  /** Read the chat as it stands and show it; what is already shown stays in place. Throws what the wire throws. */
  async load() {
    const { person, chat } = this.#seat;
    const { messages, commands, last } = await readChat(chat.id, person.language_code);
    const there = new Set(messages.map((message) => message.message_id));
    for (const id of [...this.#bubbles.keys()]) if (!there.has(id)) this.#remove(id);
    for (const message of messages) this.#put(message);
    this.composer.commands = commands;
    this.#last = last;
    this.#settle();
    if (this.scroll.atEnd) this.scroll.toEnd();
  }

  /** Show one event of this chat. */
  take(event) {
    if (event.number <= this.#last) return;
    this.#last = event.number;
    if (event.kind === "message") this.#arrive(event.message);
    else if (event.kind === "edit") this.#edit(event.message);
    else if (event.kind === "delete") this.#remove(event.message_id);
    else if (event.kind === "action") this.#act(event.action);
    else if (event.kind === "commands") this.#refreshCommands();
    this.#settle();
  }

  /** Send what the person wrote; whether it was taken. */
  async write(text) {
    const { person, chat } = this.#seat;
    try {
      await send(person.id, chat.id, text);
      return true;
    } catch (error) {
      this.say(error.message);
      return false;
    }
  }

  focus() {
    this.composer.focus();
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }

  #furnish() {
    const { person, bot, chat } = this.#seat;
    const group = chat.type !== "private";
    const start = group ? `/start@${bot.username}` : "/start";
    this.composer = new Composer(this.#part(".composer"), `Message to ${this.title} as ${person.first_name}`, group ? `@${bot.username}` : "", (text) => this.write(text));
    this.#part(".empty .face").textContent = this.title.slice(0, 1);
    this.#part(".empty-name").textContent = this.title;
    this.#part(".empty-hint").textContent = `Nothing here yet. Type ${start} or press Start.`;
    this.#part(".start").addEventListener("click", () => {
      this.write(start);
      this.focus();
    });
    this.#part(".to-end").addEventListener("click", () => {
      this.scroll.toEnd();
      this.focus();
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.focus();
    });
  }

  #arrive(message) {
    const bubble = this.#put(message);
    bubble.element.classList.add("fresh");
    if (bubble.mine) this.scroll.toEnd();
    else if (!this.scroll.atEnd || !this.scroll.shown) this.#unread += 1;
    if (message.from?.is_bot) this.#act(null);
  }

  #edit(message) {
    this.#bubbles.get(message.message_id)?.update(message);
  }

  #put(message) {
    const known = this.#bubbles.get(message.message_id);
    if (known) {
      known.update(message);
      return known;
    }
    const bubble = new Bubble(message, this.#seat.person, this.#acts);
    this.#bubbles.set(message.message_id, bubble);
    this.list.append(bubble.element);
    this.#arrange(bubble);
    this.#forget();
    return bubble;
  }

  /** Where a new day begins it is said, and what follows from the same sender stands closer. */
  #arrange(bubble) {
    const { message, element } = bubble;
    const before = this.#bubbleOf(element.previousElementSibling)?.message;
    const day = DAY.format(message.date * 1000);
    if (before && DAY.format(before.date * 1000) === day) delete element.dataset.day;
    else element.dataset.day = day;
    const close = before && before.from?.id === message.from?.id && message.date - before.date < APART_SECONDS && !element.dataset.day;
    element.classList.toggle("follows", Boolean(close));
  }

  #bubbleOf(element) {
    return element && [...this.#bubbles.values()].find((bubble) => bubble.element === element);
  }

  #remove(id) {
    const bubble = this.#bubbles.get(id);
    if (!bubble) return;
    const next = this.#bubbleOf(bubble.element.nextElementSibling);
    const focused = bubble.element.contains(document.activeElement);
    bubble.element.remove();
    this.#bubbles.delete(id);
    if (next) this.#arrange(next);
    if (focused) this.focus();
  }

  /** The page does not grow for ever; a reader who is not at the end keeps what he reads. */
  #forget() {
    if (!this.scroll.atEnd) return;
    for (const id of this.#bubbles.keys()) {
      if (this.#bubbles.size <= KEPT) return;
      this.#remove(id);
    }
  }

  #act(action) {
    clearTimeout(this.#doing);
    this.#part(".doing").hidden = !action;
    if (!action) return;
    this.#part(".doing-words").textContent = `${this.#seat.bot.first_name} ${ACTIONS[action] ?? "is busy"}`;
    this.#doing = setTimeout(() => this.#act(null), ACTION_MS);
  }

  async #refreshCommands() {
    const { person, chat } = this.#seat;
    try {
      this.composer.commands = (await readChat(chat.id, person.language_code)).commands;
    } catch {
      // the next load brings them
    }
  }

  #look() {
    if (!this.#unread) return;
    if (this.scroll.atEnd) this.#unread = 0;
    this.#settle();
  }

  #settle() {
    this.element.classList.toggle("is-empty", this.#bubbles.size === 0);
    const shown = this.scroll.shown;
    const button = this.#part(".to-end");
    button.hidden = !(shown && this.#unread);
    button.lastElementChild.textContent = this.#unread === 1 ? "1 new message" : `${this.#unread} new messages`;
    this.#onUnread(shown ? 0 : this.#unread);
  }
}
