// The line where a person writes: Enter sends, Shift and Enter begin a new line, "/" opens the commands.

import { make } from "./text.js";

let lists = 0;

export class Composer {
  #form;
  #field;
  #list;
  #menu;
  #write;
  #suffix;
  #commands = [];
  #shown = [];
  #active = -1;

  /** `write(text)` sends and resolves to whether it was taken. `suffix` stands behind a chosen command: "@bot" in a group. */
  constructor(form, label, suffix, write) {
    this.#form = form;
    this.#write = write;
    this.#suffix = suffix;
    [this.#field, this.#list, this.#menu] = ["textarea", ".commands", ".menu"].map((selector) => form.querySelector(selector));
    this.#field.ariaLabel = label;
    this.#list.id = `commands-${(lists += 1)}`;
    for (const element of [this.#field, this.#menu]) element.setAttribute("aria-controls", this.#list.id);
    this.#listen();
  }

  focus() {
    this.#field.focus();
  }

  /** The bot's commands, as the chat's route gives them. */
  set commands(commands) {
    this.#commands = commands;
    this.#menu.hidden = commands.length === 0;
    if (!this.#list.hidden) this.#open(this.#matching());
  }

  #listen() {
    const field = this.#field;
    field.addEventListener("input", () => {
      this.#fit();
      this.#open(this.#matching());
    });
    field.addEventListener("keydown", (event) => this.#onKey(event));
    this.#form.addEventListener("focusout", (event) => {
      if (!this.#form.contains(event.relatedTarget)) this.#open([]);
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#menu.addEventListener("click", () => this.#toggle());
    this.#list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  }

  #toggle() {
    const open = this.#list.hidden;
    this.#field.focus();
    this.#open(open ? this.#commands : []);
    if (open) this.#move(1);
  }

  #typedCommand() {
    return /^\/(\w*)$/.exec(this.#field.value);
  }

  #matching() {
    const typed = this.#typedCommand();
    return typed ? this.#commands.filter((command) => command.command.startsWith(typed[1].toLowerCase())) : [];
  }

  #open(commands) {
    this.#shown = commands;
    this.#list.replaceChildren(...commands.map((command, place) => this.#option(command, place)));
    this.#list.hidden = commands.length === 0;
    this.#menu.setAttribute("aria-expanded", String(!this.#list.hidden));
    this.#activate(-1);
  }

  #option(command, place) {
    const words = make("span", "command-words", command.description);
    words.dir = "auto";
    const option = make("li", "", make("b", "", `/${command.command}`), " ", words);
    option.id = `${this.#list.id}-${place}`;
    option.setAttribute("role", "option");
    option.addEventListener("click", () => this.#choose(place));
    return option;
  }

  #activate(place) {
    this.#active = place;
    Array.from(this.#list.children).forEach((option, index) => {
      option.ariaSelected = String(index === place);
    });
    const option = this.#list.children[place];
    if (option) {
      this.#field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      this.#field.removeAttribute("aria-activedescendant");
    }
  }

  #move(step) {
    const count = this.#shown.length;
    this.#activate(this.#active < 0 && step < 0 ? count - 1 : (this.#active + step + count) % count);
  }

  #onKey(event) {
    if (event.isComposing) return; // an input method is still choosing letters
    const open = !this.#list.hidden;
    if (event.key === "Enter" && !event.shiftKey) {
      if (this.#active >= 0) this.#choose(this.#active);
      else this.#submit();
    } else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      this.#move(event.key === "ArrowDown" ? 1 : -1);
    } else if (open && event.key === "Tab" && !event.shiftKey && this.#active >= 0) {
      this.#fill(`/${this.#shown[this.#active].command} `); // to be written on, as with /price and a title
    } else if (open && event.key === "Escape") {
      this.#open([]);
      event.stopPropagation();
    } else {
      return;
    }
    event.preventDefault();
  }

  #choose(place) {
    const command = `/${this.#shown[place].command}${this.#suffix}`;
    if (this.#typedCommand()) this.#fill("");
    else this.#open([]); // what was begun to be written stays
    this.#write(command);
  }

  #fill(text) {
    this.#field.value = text;
    this.#fit();
    this.#open([]);
  }

  async #submit() {
    const text = this.#field.value.trim();
    if (!text) return;
    this.#fill("");
    if (!(await this.#write(text)) && !this.#field.value) this.#fill(text); // nothing that was written is lost
  }

  #fit() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}
