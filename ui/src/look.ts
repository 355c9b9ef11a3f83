// What a component shows of the hub: asked for at once, and again whenever it may have changed.

import { onScopeDispose, ref, shallowRef, watch } from "vue";
import type { Ref, ShallowRef } from "vue";
import { Problem } from "./api/client";
import { Looker } from "./live";
import type { Stream, Topic } from "./live";

export interface Look<T> {
  /** The last answer; it stays while the next is on its way, also when one comes back to a page. */
  data: ShallowRef<T | null>;
  error: Ref<Problem | null>;
  /** Something else is asked for than what is shown. */
  stale: Ref<boolean>;
  refresh: () => void;
}

export interface Looking<T> {
  /** What is asked for, as text: when it changes, the look is another. Null: nothing yet. */
  key: () => string | null;
  ask: (signal: AbortSignal) => Promise<T>;
  topics: readonly Topic[];
  everyMs?: () => number | null;
  /** Look no more often than this. */
  apartMs?: number;
  /** A stream of its own, as long as it has one. */
  follow?: () => Stream | null;
}

const PASSING: ReadonlySet<number> = new Set([429, 503]); // what is shown stays; it is asked again later
const KEPT = 50;
const remembered = new Map<string, unknown>();

function remember(key: string, value: unknown): void {
  remembered.delete(key);
  remembered.set(key, value);
  const oldest = remembered.keys().next();
  if (remembered.size > KEPT && !oldest.done) remembered.delete(oldest.value);
}

export function forgetLooks(): void {
  remembered.clear();
}

export function useLook<T>({ key, ask, topics, everyMs, apartMs, follow }: Looking<T>): Look<T> {
  const data = shallowRef<T | null>(null);
  const error = ref<Problem | null>(null);
  const stale = ref(true);
  let looker: Looker | null = null;
  let going = new AbortController();

  async function look(): Promise<void> {
    const asked = key();
    if (asked === null) return;
    going = new AbortController();
    try {
      const answer = await ask(going.signal);
      if (key() !== asked) return;
      remember(asked, answer);
      data.value = answer;
      error.value = null;
      stale.value = false;
      if (follow) looker?.follow(follow());
    } catch (problem) {
      if (problem instanceof DOMException && problem.name === "AbortError") return;
      if (!(problem instanceof Problem) || PASSING.has(problem.status)) throw problem;
      if (key() !== asked) return;
      error.value = problem;
      data.value = null;
      stale.value = false;
    }
  }

  watch(
    key,
    (asked) => {
      going.abort();
      if (asked === null) return;
      const known = remembered.get(asked) as T | undefined;
      if (known !== undefined) {
        data.value = known;
        error.value = null;
      }
      stale.value = true;
      if (looker) void looker.now();
      else looker = new Looker(look, topics, { everyMs, apartMs });
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    going.abort();
    looker?.end();
  });
  return { data, error, stale, refresh: () => void looker?.now() };
}
