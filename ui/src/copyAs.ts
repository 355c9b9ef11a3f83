// A task as one would submit it again: from a shell, from the command line, from Python.

import { address } from "./api/client";
import { isRaw } from "./api/exact";
import type { Task } from "./api/types";

type Submitted = Pick<Task, "type" | "payload" | "queue" | "priority" | "tags">;

const DEFAULT_PRIORITY = 5;
const server = (): string => address("").href.replace(/\/$/, "");
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

export function asCurl(task: Submitted): string {
  const { type, queue, payload, tags, priority } = task;
  const body = { type, queue, payload, ...(priority === DEFAULT_PRIORITY ? {} : { priority }), ...(tags.length > 0 ? { tags } : {}) };
  return `curl ${server()}/tasks -d ${quoted(JSON.stringify(body))}`;
}

export function asCommand({ type, queue, payload, tags, priority }: Submitted): string {
  return [
    `taskflow task submit ${type} ${quoted(JSON.stringify(payload))}`,
    `--queue ${queue}`,
    priority === DEFAULT_PRIORITY ? "" : `--priority ${priority}`,
    ...tags.map((tag) => `--tag ${quoted(tag)}`),
  ].filter(Boolean).join(" ");
}

export function asPython({ type, queue, payload, tags, priority }: Submitted): string {
  const options = [
    `queue=${literal(queue)}`,
    priority === DEFAULT_PRIORITY ? "" : `priority=${priority}`,
    tags.length > 0 ? `tags=${literal(tags)}` : "",
  ].filter(Boolean).join(", ");
  return [
    "from taskflow_hub import SyncClient",
    "",
    `with SyncClient(${literal(server())}) as client:`,
    `    task = client.submit(${literal(type)}, ${literal(payload)}, ${options})`,
  ].join("\n");
}

/** JSON as Python writes it. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (isRaw(value)) return value.rawJSON;
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, member]) => `${literal(name)}: ${literal(member)}`).join(", ")}}`;
  return JSON.stringify(value);
}
