// Is something new? Nudges from /events say so at once; polling does where there are none. A hidden page asks for nothing, for
// a browser keeps only six connections to one host, and every open tab would hold some.

import { reactive } from "vue";
import { Problem, Unreachable, address } from "./api/client";

const POLL_MS = 3000;
const AGAIN_MS = 1000;
const SLOWEST_MS = 15_000;
const APART_MS = 500;
const TOO_OFTEN_MS = 5000; // the wait after an answer that says so
const LOOKING_SHARE = 9; // so much longer than a look took is the pause after it: nobody who looks costs a tenth of a core

export type Topic = "tasks" | "queues" | "workers" | "types" | "bulk" | "workflows" | "schedules";
export type Connection = "connecting" | "live" | "polling" | "lost";

export const connection = reactive({ state: "connecting" as Connection });

let failures = 0;
let hidden = document.hidden;
const lookers = new Set<Looker>();

/** A stream of the hub's, connected while somebody listens and the page is seen. */
class Feed {
  #source: EventSource | null = null;

  constructor(
    readonly path: string,
    private readonly names: readonly string[],
    private readonly heard: (event: MessageEvent<string>) => void,
    private readonly turned: () => void,
  ) {}

  get open(): boolean {
    return this.#source?.readyState === EventSource.OPEN;
  }

  connect(): void {
    if (hidden || (this.#source && this.#source.readyState !== EventSource.CLOSED)) return;
    const source = new EventSource(address(this.path));
    this.#source = source;
    for (const name of this.names) source.addEventListener(name, this.heard);
    source.addEventListener("open", this.turned);
    source.addEventListener("error", this.turned);
  }

  close(): void {
    this.#source?.close();
    this.#source = null;
  }
}

const nudges = new Feed(
  "events",
  ["changed", "reset"],
  (event) => {
    const { topics } = JSON.parse(event.data) as { topics: Topic[] };
    for (const looker of lookers) if (looker.concerns(topics)) looker.soon();
  },
  () => {
    tell();
    for (const looker of lookers) looker.soon();
  },
);

export interface Stream {
  path: string;
  /** Of its events. */
  names: readonly string[];
}

export interface Pace {
  /** Also look this often, for what no nudge tells. */
  everyMs?: (() => number | null) | undefined;
  /** Look no more often than this. */
  apartMs?: number | undefined;
}

/** Something that is looked at again whenever it may have changed. `look` throws Unreachable when the hub is away. */
export class Looker {
  #timer = 0;
  #looking = false;
  #again = false;
  #lookedAt = 0;
  #tookMs = 0;
  #stream: Feed | null = null;
  #quiet = false;

  constructor(
    private readonly look: () => Promise<void>,
    private readonly topics: readonly Topic[],
    private readonly pace: Pace = {},
  ) {
    lookers.add(this);
    nudges.connect();
    void this.now();
  }

  /** Hear of one thing's own changes instead of everybody's; null: it has ended, and there are none. */
  follow(stream: Stream | null): void {
    if (stream?.path !== this.#stream?.path) {
      this.#stream?.close();
      this.#stream = stream && new Feed(stream.path, stream.names, () => this.soon(), () => {});
    }
    this.#quiet = stream === null;
    this.#stream?.connect();
  }

  concerns(topics: readonly Topic[]): boolean {
    return !this.#quiet && !this.#stream?.open && topics.some((topic) => this.topics.includes(topic));
  }

  /** Look now, or right after the look that is under way. */
  async now(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    window.clearTimeout(this.#timer);
    const began = performance.now();
    let tooOften = false;
    try {
      await this.look();
      failures = 0;
    } catch (error) {
      const status = error instanceof Problem ? error.status : 0;
      tooOften = status === 429;
      // 503: it is ending, or its database is away.
      if (!(error instanceof Unreachable) && status !== 503 && !tooOften) console.error(error);
      failures = tooOften ? 0 : failures + 1;
    }
    this.#lookedAt = performance.now();
    this.#tookMs = this.#lookedAt - began;
    this.#looking = false;
    if (!lookers.has(this)) return;
    tell();
    this.#plan(tooOften ? TOO_OFTEN_MS : this.#again ? this.#apart : this.#usual());
    this.#again = false;
  }

  /** Look soon; many calls in quick succession are one look. */
  soon(): void {
    if (hidden) return;
    if (this.#looking) this.#again = true;
    else this.#plan(Math.max(this.#lookedAt + Math.max(this.#apart, LOOKING_SHARE * this.#tookMs) - performance.now(), 0));
  }

  turn(): void {
    if (hidden) {
      window.clearTimeout(this.#timer);
      this.#stream?.close();
    } else {
      this.#stream?.connect();
      void this.now();
    }
  }

  end(): void {
    window.clearTimeout(this.#timer);
    this.#stream?.close();
    lookers.delete(this);
    if (lookers.size === 0) nudges.close();
  }

  get #apart(): number {
    return this.pace.apartMs ?? APART_MS;
  }

  #usual(): number {
    if (failures) return Math.min(AGAIN_MS * 2 ** (failures - 1), SLOWEST_MS);
    return Math.min(this.pace.everyMs?.() ?? SLOWEST_MS, nudges.open ? SLOWEST_MS : POLL_MS);
  }

  #plan(waitMs: number): void {
    window.clearTimeout(this.#timer);
    if (hidden) return;
    this.#timer = window.setTimeout(() => {
      nudges.connect();
      void this.now();
    }, waitMs);
  }
}

/** Everything is looked at anew: something was done. */
export function lookAgain(): void {
  for (const looker of lookers) void looker.now();
}

function tell(): void {
  const lost = failures > 1 || (failures === 1 && !nudges.open);
  connection.state = lost ? "lost" : nudges.open ? "live" : "polling";
}

document.addEventListener("visibilitychange", () => {
  hidden = document.hidden;
  if (hidden) nudges.close();
  else if (lookers.size > 0) nudges.connect();
  for (const looker of lookers) looker.turn();
});
addEventListener("online", () => {
  for (const looker of lookers) looker.soon();
});
