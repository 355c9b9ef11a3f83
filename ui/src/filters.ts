// Which tasks are listed: as it stands in the address, as one types it, and as the API is asked.

import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { State } from "./api/types";
import type { Asked } from "./api/client";

export const STATUSES = ["scheduled", "blocked", "queued", "running", "success", "failed", "cancelled", "skipped"] as const satisfies readonly State[];
export const UNFINISHED: readonly State[] = ["scheduled", "blocked", "queued", "running"];
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** How long ago at most a task was submitted: in words, and in seconds. */
export const WITHIN = { "15m": ["15 minutes", 900], "1h": ["hour", 3600], "24h": ["24 hours", 86_400], "7d": ["7 days", 604_800] } as const;

export interface Filters {
  status: State[];
  type: string;
  queue: string;
  tag: string;
  user: string;
  fingerprint: string;
  error: string;
  within: string;
  from: string;
  to: string;
}

export type TaskQuery = NonNullable<Asked<"/tasks", "get">["query"]>;

export function one(value: LocationQuery[string] | undefined): string {
  const first = Array.isArray(value) ? value[0] : value;
  return first ?? "";
}

export function read(query: LocationQuery): Filters {
  const status = [query.status ?? []].flat().filter((name): name is State => (STATUSES as readonly (string | null)[]).includes(name));
  const { type, queue, tag, user, fingerprint, error, within, from, to } = query;
  const failed = { fingerprint: one(fingerprint), error: one(error) };
  return { status, type: one(type), queue: one(queue), tag: one(tag), user: one(user), ...failed, within: one(within), from: one(from), to: one(to) };
}

/** For the address: only what is a condition. */
export function write(filters: Partial<Filters>): LocationQueryRaw {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value.length > 0));
}

export const isFiltered = (filters: Filters): boolean => Object.values(filters).some((value) => value.length > 0);

/** What the API filters by. Times are in the reader's zone, and sent in UTC. */
export function conditions(filters: Filters, now = Date.now()): TaskQuery {
  const { status, type, queue, tag, user, fingerprint, error, within, from, to } = filters;
  const span = within in WITHIN ? WITHIN[within as keyof typeof WITHIN][1] : null;
  return {
    ...(status.length > 0 ? { status } : {}),
    ...(type ? { type } : {}),
    ...(queue ? { queue } : {}),
    ...(tag ? { tag } : {}),
    ...(user ? { user } : {}),
    ...(fingerprint ? { fingerprint } : {}),
    ...(error ? { error } : {}),
    ...(span === null ? moment("created_after", from) : { created_after: new Date(now - span * 1000).toISOString() }),
    ...moment("created_before", to),
  };
}

function moment(name: "created_after" | "created_before", local: string): TaskQuery {
  const time = new Date(local);
  return local && !Number.isNaN(time.getTime()) ? { [name]: time.toISOString() } : {};
}

/** Conditions that only failed tasks can meet. */
export const ofFailed = (filters: Pick<Filters, "fingerprint" | "error">): boolean => filters.fingerprint !== "" || filters.error !== "";

const WORDS = ["type", "queue", "tag", "user", "fingerprint", "error"] as const;
type Words = Pick<Filters, (typeof WORDS)[number]>;

/** `web.title queue:slow #night error:"no such"` → conditions; an id alone is a task. */
export function understand(text: string): { id: string } | Words {
  const found: Words = { type: "", queue: "", tag: "", user: "", fingerprint: "", error: "" };
  const rest = text.replace(/(^|\s)error:"(.*)"(?=\s|$)/, (_, before: string, said: string) => {
    found.error = said;
    return before;
  });
  const words = rest.split(/\s+/).filter(Boolean);
  const [first = ""] = words;
  if (words.length === 1 && ID.test(first)) return { id: first };
  for (const word of words) {
    const at = word.indexOf(":");
    const name = WORDS.find((known) => known === word.slice(0, at));
    if (name) found[name] = word.slice(at + 1);
    else if (word.startsWith("#")) found.tag = word.slice(1);
    else found.type = word;
  }
  return found;
}

export function inWords({ type, queue, tag, user, fingerprint, error }: Words): string {
  const said = error && (/[\s"]/.test(error) ? `error:"${error}"` : `error:${error}`);
  return [type, queue && `queue:${queue}`, tag && `#${tag}`, user && `user:${user}`, fingerprint && `fingerprint:${fingerprint}`, said].filter(Boolean).join(" ");
}
