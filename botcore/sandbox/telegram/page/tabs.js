// A row of tabs: arrow keys move, the chosen one alone is in the order of the Tab key.

import { make } from "./text.js";

export class Tabs {
  #list;
  #onSelect;
  #tabs = new Map();

  /** `onSelect(key)` is told what was chosen. */
  constructor(list, onSelect) {
    this.#list = list;
    this.#onSelect = onSelect;
    list.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Show these tabs: `{key, label, panel}` each, `panel` the element that the tab shows. The chosen one stays chosen when it is still there. */
  show(items) {
    const chosen = this.selected;
    this.#tabs = new Map(items.map((item) => [item.key, this.#tabs.get(item.key) ?? this.#create(item)]));
    this.#list.replaceChildren(...this.#tabs.values());
    for (const item of items) this.#tabs.get(item.key).firstChild.textContent = item.label;
    if (items.length) this.select(this.#tabs.has(chosen) ? chosen : items[0].key);
  }

  /** The key of the chosen tab. */
  get selected() {
    for (const [key, tab] of this.#tabs) if (tab.ariaSelected === "true") return key;
    return undefined;
  }

  select(key) {
    for (const [other, tab] of this.#tabs) {
      tab.ariaSelected = String(other === key);
      tab.tabIndex = other === key ? 0 : -1;
    }
    this.#onSelect(key);
  }

  /** Say how many messages wait behind a tab. */
  badge(key, count) {
    const badge = this.#tabs.get(key)?.lastChild;
    if (!badge) return;
    badge.hidden = count === 0;
    badge.replaceChildren(count > 99 ? "99+" : String(count), make("span", "unseen", " new"));
  }

  #create({ key, panel }) {
    const label = make("span", "tab-label");
    label.dir = "auto";
    const badge = make("span", "badge");
    badge.hidden = true;
    const tab = make("button", "tab", label, badge);
    tab.type = "button";
    tab.id = `tab-${panel.id}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    tab.addEventListener("click", () => this.select(key));
    return tab;
  }

  #onKey(event) {
    const keys = [...this.#tabs.keys()];
    const at = keys.indexOf(this.selected);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: keys.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const key = keys[(to + keys.length) % keys.length];
    this.select(key);
    this.#tabs.get(key).focus();
  }
}
