// Who did what to what: what is asked for, as it stands in the address, and how an entry reads.

import type { LocationQuery, RouteLocationRaw } from "vue-router";
import type { Asked } from "./api/client";
import type { AuditAction, AuditEntity, AuditEntry } from "./api/types";
import { WITHIN, one } from "./filters";

// Each that the hub knows, and no other: what a newer hub adds is missed here by the type checker.
const KNOWN = {
  "user.register": 1, "user.add": 1, "user.set_role": 1, "user.set_password": 1,
  "login.begin": 1, "login.fail": 1, "login.reuse": 1, "login.end": 1,
  "key.create": 1, "key.revoke": 1,
  "task.cancel": 1, "task.redrive": 1, "task.promote": 1, "task.update": 1, "task.delete": 1, "task.event": 1,
  "workflow.cancel": 1, "workflow.redrive": 1, "workflow.delete": 1,
  "queue.pause": 1, "queue.resume": 1, "queue.update": 1, "queue.purge": 1,
  "limit.set": 1,
  "quota.set": 1,
  "bulk.begin": 1, "bulk.abort": 1,
  "worker.drain": 1,
  "schedule.create": 1, "schedule.update": 1, "schedule.pause": 1, "schedule.resume": 1, "schedule.delete": 1, "schedule.trigger": 1, "schedule.backfill": 1,
} satisfies Record<AuditAction, 1>;
const KINDS = { user: 1, key: 1, task: 1, workflow: 1, queue: 1, limit: 1, quota: 1, bulk: 1, worker: 1, schedule: 1 } satisfies Record<AuditEntity, 1>;
const NOUNS = new Set(Object.keys(KNOWN).map((action) => action.split(".", 1).join()));
/** By their nouns. */
export const ACTIONS = [...NOUNS].map((noun) => [noun, Object.keys(KNOWN).filter((action) => action.startsWith(`${noun}.`))] as const);
export const ENTITIES = Object.keys(KINDS);

export const TEXTS = ["action", "entity", "id", "actor", "account", "within", "from", "to"] as const;
export type AuditFilters = Record<(typeof TEXTS)[number], string>;

export const readAudit = (query: LocationQuery): AuditFilters =>
  Object.fromEntries(TEXTS.map((name) => [name, one(query[name])])) as AuditFilters;

type Query = NonNullable<Asked<"/audit", "get">["query"]>;

/** Times are in the reader's zone, and sent in UTC. What cannot be is sent, too: the hub says so. */
export function auditQuery({ action, entity, id, actor, account, within, from, to }: AuditFilters, now = Date.now()): Query {
  const span = within in WITHIN ? WITHIN[within as keyof typeof WITHIN][1] : null;
  const since = span === null ? moment(from) : new Date(now - span * 1000).toISOString();
  const until = moment(to);
  return {
    ...(action ? { action: [action as AuditAction] } : {}),
    ...(entity ? { entity: entity as AuditEntity } : {}),
    ...(id ? { entity_id: id } : {}),
    ...(actor ? { actor } : {}),
    ...(account ? { account } : {}),
    ...(since ? { since } : {}),
    ...(until ? { until } : {}),
  };
}

function moment(local: string): string | null {
  const time = new Date(local);
  return local && !Number.isNaN(time.getTime()) ? time.toISOString() : null;
}

const NOBODY: Readonly<Record<string, string>> = { anybody: "anybody", operator: "an operator", user: "a user of another account", key: "a key of another account" };

export const whoDid = (entry: AuditEntry): string => entry.actor_name ?? NOBODY[entry.actor_kind] ?? entry.actor_kind;

/** Where the thing is seen that it was done to. */
export function placeOfEntry({ entity, entity_id: id }: AuditEntry): RouteLocationRaw | null {
  if (entity === "task" || entity === "workflow" || entity === "schedule") return { name: entity, params: { id } };
  if (entity === "queue" || entity === "worker") return { name: `${entity}s`, query: { find: id } };
  if (entity === "user" || entity === "key" || entity === "limit" || entity === "quota") return { name: "admin", params: { id: `${entity}s` } };
  return null;
}

export interface Difference {
  name: string;
  /** As text; null: there was none. */
  before: string | null;
  after: string | null;
}

export function differences({ before, after }: AuditEntry): Difference[] {
  const [was, now] = [before ?? {}, after ?? {}];
  return [...new Set([...Object.keys(was), ...Object.keys(now)])].map((name) => ({ name, before: said(was, name), after: said(now, name) }));
}

const said = (values: Record<string, unknown>, name: string): string | null => (Object.hasOwn(values, name) ? inText(values[name]) : null);

function inText(value: unknown): string {
  if (value === null) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? value : JSON.stringify(value);
}
