// Is something new? Nudges from /events say so at once; polling does where there are none. A hidden page asks for nothing, for a
// browser keeps only six connections to one host, and every open tab would hold one.

import { address, Unreachable } from "./api.js";
import { byId, say, show } from "./dom.js";

const POLL_MS = 3000, AGAIN_MS = 1000, SLOWEST_MS = 15000, APART_MS = 500;

export class Live {
  #look; #source = null; #timer = null; #looking = false; #again = false; #failures = 0; #lookedAt = 0; #hidden = document.hidden;

  /** `look` fetches and shows everything; it throws Unreachable when the hub is away. */
  constructor(look) {
    this.#look = look;
    document.addEventListener("visibilitychange", () => this.#turn(document.hidden));
    addEventListener("online", () => this.soon());
    this.#turn(document.hidden);
  }

  /** Look now, or right after the look that is under way. */
  async now() {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    clearTimeout(this.#timer);
    try {
      await this.#look();
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof Unreachable) && error.status !== 503) console.error(error); // 503: it is ending, or its database is away
      this.#failures += 1;
    }
    this.#lookedAt = Date.now();
    this.#looking = false;
    this.#tell();
    this.#plan(this.#again ? 0 : null);
    this.#again = false;
  }

  /** Look soon; many calls in quick succession are one look. */
  soon() {
    if (!this.#hidden) this.#plan(Math.max(this.#lookedAt + APART_MS - Date.now(), 0));
  }

  #turn(hidden) {
    this.#hidden = hidden;
    if (hidden) {
      clearTimeout(this.#timer);
      this.#source?.close();
      this.#source = null;
    } else {
      this.#listen();
      this.now();
    }
  }

  #listen() {
    if (this.#source && this.#source.readyState !== EventSource.CLOSED) return;
    this.#source = new EventSource(address("events"));
    for (const name of ["changed", "reset"]) this.#source.addEventListener(name, () => this.soon());
    this.#source.addEventListener("open", () => this.soon());
    this.#source.addEventListener("error", () => {
      this.#tell();
      this.soon();
    });
  }

  #plan(wait) {
    clearTimeout(this.#timer);
    if (this.#hidden) return;
    const usual = this.#failures ? Math.min(AGAIN_MS * 2 ** (this.#failures - 1), SLOWEST_MS) : this.#open ? SLOWEST_MS : POLL_MS;
    this.#timer = setTimeout(() => {
      this.#listen();
      this.now();
    }, wait ?? usual);
  }

  get #open() {
    return this.#source?.readyState === EventSource.OPEN;
  }

  #tell() {
    const lost = this.#failures > 1 || (this.#failures === 1 && !this.#open);
    const state = lost ? "lost" : this.#open ? "live" : "polling";
    byId("live").dataset.state = state;
    say(byId("live-text"), { lost: "not connected", live: "live", polling: "polling" }[state]);
    show(byId("lost"), state === "lost");
  }
}
