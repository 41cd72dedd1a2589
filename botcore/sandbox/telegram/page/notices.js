// What is said beside the chats: announcements for screen readers, toasts, the bot's alerts, a photo in full size.

import { make } from "./text.js";

const TOAST_MS = 4000;
const TOAST_LETTER_MS = 50;
const KEPT = 20;

const byId = (id) => document.getElementById(id);

/** Say it to a screen reader, after what it is saying now. */
export function announce(text) {
  const live = byId("live");
  const words = make("p", "", text);
  words.dir = "auto";
  live.append(words);
  while (live.children.length > KEPT) live.firstChild.remove();
}

/** Show a sentence over a chat for as long as it takes to read it, and say it. */
export function toast(root, text, said = text) {
  const box = make("p", "toast", text);
  box.dir = "auto";
  root.replaceChildren(box);
  announce(said);
  setTimeout(() => box.remove(), TOAST_MS + TOAST_LETTER_MS * text.length);
}

const alerts = [];

/** Show an answer that wants to be confirmed; several come one after another. `back` takes the focus when what had it is gone. */
export function alertOf(title, text, back) {
  alerts.push({ title, text, back });
  if (!byId("alert").open) nextAlert();
}

function nextAlert() {
  const alert = alerts.shift();
  if (!alert) return;
  byId("alert-title").textContent = alert.title;
  byId("alert-text").textContent = alert.text;
  const dialog = byId("alert");
  dialog.onclose = () => {
    if (document.activeElement === document.body) alert.back();
    nextAlert();
  };
  dialog.showModal();
}

/** Show a photo as large as the window allows. */
export function enlarge(source, caption) {
  const dialog = byId("viewer");
  const [image, words] = [dialog.querySelector("img"), dialog.querySelector("p")];
  image.src = source;
  image.alt = caption || "Photo";
  words.textContent = caption;
  dialog.onclick = () => dialog.close(); // anywhere, as in every messenger
  dialog.showModal();
}
