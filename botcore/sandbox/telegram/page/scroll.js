// A list that stays at its end while it is there, and leaves the reader alone while he is elsewhere.

const NEAR_PX = 60;

export class Scroll {
  #scroller;
  #atEnd = true;
  #top = 0;

  /** `onLook` is called when the reader comes to see something else: by scrolling, or because the list is shown or grew. */
  constructor(scroller, list, onLook) {
    this.#scroller = scroller;
    scroller.addEventListener("scroll", () => {
      if (!this.shown) return;
      const near = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
      if (near || scroller.scrollTop < this.#top) this.#atEnd = near; // only a reader goes up; the end also goes away by itself
      this.#top = scroller.scrollTop;
      onLook();
    }, { passive: true });
    const observer = new ResizeObserver(() => {
      if (!this.shown) return;
      if (this.#atEnd) this.toEnd();
      onLook();
    });
    observer.observe(scroller);
    observer.observe(list);
  }

  /** Whether it is on the screen at all: another chat, or another person, may be. */
  get shown() {
    return this.#scroller.clientHeight > 0;
  }

  /** Whether the reader sees what is newest. */
  get atEnd() {
    return this.#atEnd;
  }

  /** Go to the newest, and stay there. */
  toEnd() {
    this.#atEnd = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#top = this.#scroller.scrollTop;
  }
}
