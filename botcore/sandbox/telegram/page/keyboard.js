// The buttons under a message. An edit changes them where they are, so that the finger and the focus stay on the same one.

import { link, make, safeAddress } from "./text.js";

/** Draw rows of buttons; `act` takes the pressed element and its button. Elements of before are used again. */
export function drawKeyboard(root, rows, act) {
  const wanted = rows.map((row) => row.map((button) => ({ button, element: null })));
  adopt(root, wanted);
  for (const slot of wanted.flat()) {
    slot.element ??= create(slot.button, act);
    dress(slot.element, slot.button);
  }
  root.hidden = rows.length === 0;
  if (!stands(root, wanted)) place(root, wanted);
}

/** Which element goes on as which button: the same data first, then the same words ("Next"), then the same place in the same shape. */
function adopt(root, wanted) {
  const free = new Set(root.querySelectorAll(".key"));
  const take = (slot, fits) => {
    if (slot.element) return;
    for (const element of free) {
      if (element.tagName !== tagOf(slot.button) || !fits(element)) continue;
      slot.element = element;
      free.delete(element);
      return;
    }
  };
  const slots = wanted.flat();
  for (const slot of slots) take(slot, (element) => element.dataset.key === keyOf(slot.button));
  for (const slot of slots) take(slot, (element) => element.dataset.words === slot.button.text);
  const before = Array.from(root.children, (row) => Array.from(row.children));
  if (before.map((row) => row.length).join() !== wanted.map((row) => row.length).join()) return;
  wanted.forEach((row, y) => row.forEach((slot, x) => take(slot, (element) => element === before[y][x])));
}

function stands(root, wanted) {
  const rows = Array.from(root.children);
  return rows.length === wanted.length && wanted.every((row, y) => row.length === rows[y].children.length && row.every((slot, x) => slot.element === rows[y].children[x]));
}

function place(root, wanted) {
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  root.replaceChildren(...wanted.map((row) => make("div", "row", ...row.map((slot) => slot.element))));
  if (!focused) return;
  if (root.contains(focused)) focused.focus({ preventScroll: true });
  else root.parentElement.querySelector(".bubble").focus({ preventScroll: true }); // never on a button that means something else
}

const tagOf = (button) => (button.url && safeAddress(button.url) ? "A" : "BUTTON");
const keyOf = (button) => JSON.stringify([button.callback_data, button.url, button.copy_text?.text]);

function create(button, act) {
  const element = tagOf(button) === "A" ? link("", make("span", "words")) : make("button", "", make("span", "words"));
  if (element.tagName === "BUTTON") {
    element.type = "button";
    element.addEventListener("click", () => act(element, element.button));
  } else {
    element.append(make("span", "unseen", " (opens a new tab)"));
  }
  element.classList.add("key");
  element.firstChild.dir = "auto";
  return element;
}

function dress(element, button) {
  element.button = button;
  element.dataset.key = keyOf(button);
  element.dataset.words = button.text;
  element.dataset.kind = button.copy_text ? "copy" : "press";
  if (button.style) element.dataset.style = button.style;
  else delete element.dataset.style;
  if (element.firstChild.textContent !== button.text) element.firstChild.textContent = button.text;
  if (element.tagName === "A") Object.assign(element, { href: safeAddress(button.url) }).dataset.kind = "link";
}
