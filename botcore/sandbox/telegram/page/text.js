// A text and its entities become nodes. What a bot or a person wrote is only ever text: nothing here is parsed as HTML.

const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", mention: "span", hashtag: "span", cashtag: "span", text_mention: "span" };
const SAFE = new Set(["http:", "https:", "mailto:", "tel:"]);
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const LONG_QUOTE = 160;

/** Make an element: its tag, its class, and what is in it. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** The address when a browser may open it, else null: no scripts, and no link that would wake a real Telegram. */
export function safeAddress(address) {
  try {
    const url = new URL(address);
    return SAFE.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** An opened link leaves this page alone. */
export function link(address, ...children) {
  const anchor = make("a", "", ...children);
  Object.assign(anchor, { href: address, target: "_blank", rel: "noopener noreferrer" });
  return anchor;
}

/** Nodes of a text; offsets and lengths count UTF-16 units, as JavaScript's strings do. `onCommand` takes a command that is pressed. */
export function textNodes(text, entities, onCommand) {
  const sorted = (entities ?? [])
    .map((entity) => ({ ...entity, from: Math.max(0, entity.offset), to: Math.min(text.length, entity.offset + entity.length) }))
    .filter((entity) => entity.from < entity.to)
    .sort((one, other) => one.from - other.from || other.to - one.to);
  return between(text, 0, text.length, sorted, onCommand);
}

function between(text, from, to, entities, onCommand) {
  const nodes = [];
  const left = [...entities];
  let at = from;
  while (left.length) {
    const entity = left.shift();
    const inside = [];
    while (left.length && left[0].from < entity.to) inside.push(left.shift());
    const [within, beyond] = cut(inside, entity.to);
    left.unshift(...beyond);
    if (entity.from > at) nodes.push(text.slice(at, entity.from));
    const plain = text.slice(entity.from, entity.to);
    nodes.push(dressed(entity, plain, between(text, entity.from, entity.to, within, onCommand), onCommand));
    at = entity.to + (BLOCKS.has(entity.type) && entity.to < to && text[entity.to] === "\n" ? 1 : 0); // a block ends its line by itself
  }
  if (at < to) nodes.push(text.slice(at, to));
  return nodes;
}

/** Entities that reach over the end of the one they begin in are cut in two: Telegram nests them properly, others may not. */
function cut(entities, end) {
  const within = entities.map((entity) => ({ ...entity, to: Math.min(entity.to, end) }));
  const beyond = entities.filter((entity) => entity.to > end).map((entity) => ({ ...entity, from: end }));
  return [within, beyond];
}

function dressed(entity, plain, children, onCommand) {
  switch (entity.type) {
    case "text_link":
      return linked(entity.url, children);
    case "url":
      return linked(plain.includes("://") ? plain : `http://${plain}`, children);
    case "email":
      return linked(`mailto:${plain}`, children);
    case "phone_number":
      return linked(`tel:${plain.replace(/[^+\d]/g, "")}`, children);
    case "bot_command":
      return command(plain, onCommand);
    case "spoiler":
      return spoiler(children);
    case "pre":
      return pre(entity.language, children);
    case "blockquote":
      return make("blockquote", "", ...children);
    case "expandable_blockquote":
      return longQuote(plain, children);
    case "date_time":
      return moment(entity.unix_time, children);
    default:
      return TAGS[entity.type] ? make(TAGS[entity.type], entity.type, ...children) : make("span", "", ...children);
  }
}

function linked(address, children) {
  const safe = safeAddress(address);
  return safe ? link(safe, ...children) : make("span", "mention", ...children);
}

function command(plain, onCommand) {
  const button = make("button", "command", plain);
  button.type = "button";
  button.addEventListener("click", () => onCommand(plain));
  return button;
}

/** Hidden until it is pressed. A span, since a button would not break over lines. */
function spoiler(children) {
  const hidden = make("span", "spoiler", make("span", "", ...children));
  hidden.setAttribute("role", "button");
  hidden.setAttribute("aria-label", "Hidden text, press to show");
  hidden.tabIndex = 0;
  const show = (event) => {
    if (hidden.getAttribute("role") !== "button" || (event.key && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault(); // the first press on a link in it only shows it
    hidden.dispatchEvent(new CustomEvent("spoiler", { bubbles: true }));
  };
  hidden.addEventListener("click", show);
  hidden.addEventListener("keydown", show);
  return hidden;
}

/** Show what is hidden within an element. The focus stays where it was. */
export function showSpoilers(root) {
  for (const hidden of root.querySelectorAll(".spoiler[role]")) {
    hidden.removeAttribute("role");
    hidden.removeAttribute("aria-label");
    hidden.tabIndex = -1;
  }
}

function pre(language, children) {
  const block = make("pre", "", make("code", "", ...children));
  block.tabIndex = 0; // long lines scroll, and not only for a mouse
  block.dir = "ltr";
  if (language) block.dataset.language = language;
  return block;
}

function longQuote(plain, children) {
  const quote = make("blockquote", "", make("div", "quoted", ...children));
  if (plain.length <= LONG_QUOTE && plain.split("\n").length <= 3) return quote;
  const more = make("button", "more", "Show more");
  more.type = "button";
  more.setAttribute("aria-expanded", "false");
  more.addEventListener("click", () => {
    const open = quote.classList.toggle("open");
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Show less" : "Show more";
  });
  quote.classList.add("long");
  quote.append(more);
  return quote;
}

function moment(unix, children) {
  const time = make("time", "", ...children);
  if (Number.isFinite(unix)) time.dateTime = new Date(unix * 1000).toISOString();
  return time;
}
