// What is said of a task beside its status: on one line, and why it failed.

import type { Task } from "./api/types";
import { ago, beginning, between, visible } from "./format";

const LONG = 300; // characters: a line is cut by its place long before

export const noteOn = (task: Task, now: number): string => visible(beginning(said(task, now), LONG, 1));

function said(task: Task, now: number): string {
  switch (task.status) {
    case "running":
      if (task.cancel_requested_at) return "asked to end";
      if (task.progress) return `${Math.round(task.progress.fraction * 100)} % ${task.progress.message}`;
      return task.started_at ? `for ${between(task.started_at, now)}` : "with its worker";
    case "scheduled":
      return task.run_at ? `${task.error ? "again " : ""}${ago(task.run_at, now)}` : "";
    case "queued":
      return task.hold ? holdOf(task.hold) : "";
    case "failed":
      return task.error ? `${task.error.type}: ${task.error.message}` : (task.reason ?? "");
    case "success":
      return task.started_at && task.finished_at ? `took ${between(task.started_at, task.finished_at)}` : "";
    default:
      return "";
  }
}

export function holdOf(hold: string): string {
  if (hold === "no_worker") return "no worker serves it";
  if (hold === "paused") return "its queue is paused";
  const [kind, key] = [hold.slice(0, hold.indexOf(":")), hold.slice(hold.indexOf(":") + 1)];
  if (kind === "limit") return `as many as may run for ${key}`;
  if (kind === "rate") return `waits for the rate of ${key}`;
  return hold;
}

export const REASONS: Readonly<Record<string, string>> = {
  expired: "No attempt had started before it expired.",
  timeout: "Its last attempt ran over its time.",
  poison: "Too many workers died while they ran it.",
  undeliverable: "Its assignments were lost on the way too often.",
  reference: "What its payload refers to, in its workflow, is not there or too large.",
  result_rejected: "Its handler succeeded, but the result could not be stored.",
  lost: "Its worker died, and its type asks for a person to look first.",
  handler: "Its handler raised for the last time, or gave up.",
};
