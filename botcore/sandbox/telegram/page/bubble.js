// One message as it is seen. An edit changes its parts in place; what did not change is not touched.

import { drawKeyboard } from "./keyboard.js";
import { make, showSpoilers, textNodes } from "./text.js";
import { fileAddress } from "./wire.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const SIZES = ["B", "KB", "MB", "GB"];
const FOCUSABLE = "a[href], button, [tabindex]";

/** Who a message is from, as it is shown. */
export function senderOf(message) {
  const from = message.from ?? {};
  return [from.first_name, from.last_name].filter(Boolean).join(" ") || message.sender_chat?.title || message.chat.title || "Unknown";
}

/** A message in one line of words, for an announcement or a quote. */
export function gist(message) {
  const what = message.photo ? "Photo" : message.document ? `File ${message.document.file_name ?? ""}`.trim() : "";
  return [what, message.text ?? message.caption ?? serviceOf(message)].filter(Boolean).join(". ");
}

function serviceOf(message) {
  const names = (message.new_chat_members ?? []).map((user) => user.first_name).join(", ");
  if (names) return `${names} joined the group`;
  if (message.left_chat_member) return `${message.left_chat_member.first_name} left the group`;
  if (message.migrate_to_chat_id) return "The group became a supergroup";
  if (message.migrate_from_chat_id) return "This supergroup was a group before";
  if (message.pinned_message) return "A message was pinned";
  return "";
}

export class Bubble {
  /**
   * `viewer` is the person who looks. `acts` are what the parts do: `press(element, button, message)`, `command(text)`,
   * `enlarge(source, caption)`.
   */
  constructor(message, viewer, acts) {
    this.acts = acts;
    this.viewer = viewer;
    this.element = document.querySelector("#message").content.cloneNode(true).firstElementChild;
    this.body = this.#part(".bubble");
    this.body.addEventListener("spoiler", () => this.#reveal());
    this.update(message);
  }

  /** Show the message as it is now. */
  update(message) {
    const before = this.message;
    this.message = message;
    this.#label();
    if (!same(before?.photo?.at(-1)?.file_id, message.photo?.at(-1)?.file_id) || !same(before?.document, message.document)) this.#drawMedia();
    if (!before || this.#wording(before) !== this.#wording(message)) keepFocus(this.body, this.#part(".text"), () => this.#drawText());
    if (!same(before?.reply_markup, message.reply_markup)) this.#drawKeyboard();
  }

  /** Whether the person who looks wrote it. */
  get mine() {
    return this.message.from?.id === this.viewer.id;
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }

  #label() {
    const { message } = this;
    const service = !(message.text ?? message.caption) && Boolean(serviceOf(message));
    this.element.classList.toggle("mine", this.mine);
    this.element.classList.toggle("service", service);
    this.element.classList.toggle("pictured", Boolean(message.photo));
    this.element.classList.toggle("bare", Boolean(message.photo) && !message.caption);
    this.body.ariaLabel = `${this.mine ? "You" : senderOf(message)}, ${CLOCK.format(message.date * 1000)}`;
    this.#drawName(message.chat.type !== "private" && !this.mine && !service);
    this.#drawReply(message.reply_to_message);
  }

  #drawName(shown) {
    const name = this.#part(".name");
    name.hidden = !shown;
    name.textContent = shown ? senderOf(this.message) : "";
    name.dataset.hue = String(Math.abs(this.message.from?.id ?? 0) % 6);
  }

  #drawReply(original) {
    const reply = this.#part(".reply");
    reply.hidden = !original;
    if (!original) return;
    reply.children[0].textContent = senderOf(original);
    reply.children[1].textContent = gist(original);
  }

  #drawMedia() {
    const { photo, document: file } = this.message;
    this.#part(".media").replaceChildren(...(photo ? [this.#photo(photo.at(-1))] : file ? [filed(file)] : []));
  }

  #photo(size) {
    const image = make("img");
    Object.assign(image, { src: fileAddress(size.file_id), width: size.width, height: size.height, alt: "", decoding: "async" });
    const button = make("button", "photo", image);
    button.type = "button";
    button.ariaLabel = "Photo, enlarge";
    button.addEventListener("click", () => this.acts.enlarge(image.src, this.message.caption ?? ""));
    return button;
  }

  #drawText() {
    const { message } = this;
    const words = message.text ?? message.caption ?? serviceOf(message);
    const nodes = textNodes(words, message.entities ?? message.caption_entities, this.acts.command);
    this.#part(".text").replaceChildren(...nodes, this.#meta());
    if (this.element.dataset.revealed) showSpoilers(this.body);
  }

  #meta() {
    const { message } = this;
    const time = make("time", "", CLOCK.format(message.date * 1000));
    time.dateTime = new Date(message.date * 1000).toISOString();
    const meta = make("span", "meta", ...(message.edit_date ? [make("span", "edited", "edited"), " "] : []), time);
    meta.dir = "ltr";
    return meta;
  }

  #drawKeyboard() {
    const rows = this.message.reply_markup?.inline_keyboard ?? [];
    drawKeyboard(this.#part(".keyboard"), rows, (element, button) => this.acts.press(element, button, this.message));
  }

  #reveal() {
    this.element.dataset.revealed = "yes"; // and it stays so when the message is edited
    showSpoilers(this.body);
  }

  #wording({ text, caption, entities, caption_entities: captionEntities, edit_date: edited }) {
    return JSON.stringify([text, caption, entities, captionEntities, Boolean(edited)]);
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function filed(file) {
  const name = file.file_name ?? "file";
  const anchor = make("a", "document", icon("file"), make("span", "file-name", name), make("span", "file-size", sizeOf(file.file_size)));
  anchor.querySelector(".file-name").dir = "auto";
  anchor.href = fileAddress(file.file_id);
  anchor.download = name;
  return anchor;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function sizeOf(bytes) {
  if (!Number.isFinite(bytes)) return "";
  const step = Math.min(SIZES.length - 1, Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)));
  return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${SIZES[step]}`;
}

/** Draw a part anew; when the focus was within it, it goes to the part that now stands in its place, else to the bubble. */
function keepFocus(body, part, draw) {
  const place = Array.from(part.querySelectorAll(FOCUSABLE)).indexOf(document.activeElement);
  draw();
  if (place < 0) return;
  const now = part.querySelectorAll(FOCUSABLE)[place] ?? body;
  now.focus({ preventScroll: true });
}
