// The page as a whole: who is here, the stream of what happens, and the way back when the server was away.

import { gist } from "./bubble.js";
import { announce } from "./notices.js";
import { Pane } from "./pane.js";
import { Tabs } from "./tabs.js";
import { make } from "./text.js";
import { Away, follow, readPeople, Refusal } from "./wire.js";

const AGAIN_MS = 700;
const NARROW = matchMedia("(max-width: 46rem)");

const byId = (id) => document.getElementById(id);
const panes = new Map();
const people = new Tabs(byId("people"), showPerson);
let chats = new Map();
let bot;

async function live() {
  for (let first = true; ; first = false) {
    try {
      await load();
      state("on", first ? "Connected" : "Connected again");
      if (first && !NARROW.matches) panes.values().next().value?.focus();
      await follow(Math.min(...Array.from(panes.values(), (pane) => pane.last)), take);
    } catch (error) {
      if (!(error instanceof Away || error instanceof Refusal)) throw error;
    }
    state("off", "The local Telegram is away. Trying again");
    await new Promise((later) => setTimeout(later, AGAIN_MS));
  }
}

/** Read everything anew; what is already shown stays in place. A server that was started again has forgotten all. */
async function load() {
  const answer = await readPeople();
  bot = answer.bot;
  chats = new Map(answer.chats.map((chat) => [chat.id, chat]));
  answer.people.forEach((person, place) => {
    if (!panes.has(person.id)) seat(person, place ? "Stranger" : "Owner");
  });
  furnish();
  await Promise.all(Array.from(panes.values(), (pane) => pane.load(answer.chats)));
  for (const pane of panes.values()) pane.presses.settleAll();
}

function seat(person, role) {
  const pane = new Pane(person, role, bot, (count) => people.badge(person.id, count));
  panes.set(person.id, pane);
  byId("panes").append(pane.element);
}

function furnish() {
  document.body.dataset.people = String(panes.size);
  people.show(Array.from(panes.values(), (pane) => ({ key: pane.person.id, label: pane.person.first_name, panel: pane.element })));
  byId("skips").replaceChildren(...Array.from(panes.values(), skip));
  arrange();
}

function skip(pane) {
  const anchor = make("a", "skip", `Write as ${pane.person.first_name}`);
  anchor.href = `#${pane.element.id}`;
  anchor.addEventListener("click", (event) => {
    event.preventDefault();
    people.select(pane.person.id);
    pane.focus();
  });
  return anchor;
}

/** On a narrow screen a pane is what a tab shows; on a wide one all are there, each a region of the page. */
function arrange() {
  for (const pane of panes.values()) {
    pane.element.setAttribute("role", NARROW.matches ? "tabpanel" : "region");
    pane.element.ariaLabel = pane.person.first_name;
  }
}

function showPerson(id) {
  for (const pane of panes.values()) pane.element.classList.toggle("chosen", pane.person.id === id);
}

function take(event) {
  if (event.chat_id && !chats.has(event.chat_id) && event.kind === "message") load().catch(() => {}); // a group that moved
  for (const pane of panes.values()) pane.take(event);
  if (event.kind === "message" && event.message.from?.is_bot) announce(spoken(event.message));
}

function spoken(message) {
  const chat = chats.get(message.chat.id);
  const where = message.chat.type === "private" ? `to ${panes.get(message.chat.id)?.person.first_name ?? message.chat.first_name}` : `in ${chat?.title ?? message.chat.title}`;
  const count = (message.reply_markup?.inline_keyboard ?? []).flat().length;
  const buttons = count ? ` ${count} ${count === 1 ? "button" : "buttons"}.` : "";
  const words = gist(message);
  return `${message.from.first_name} ${where}: ${words}${/[.!?…]$/.test(words) ? "" : "."}${buttons}`;
}

/** Say how the connection is, once for each change. */
function state(name, words) {
  const line = byId("link");
  if (line.dataset.state === name) return;
  line.dataset.state = name;
  line.textContent = words;
}

NARROW.addEventListener("change", arrange);
live();
