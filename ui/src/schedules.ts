// A schedule in a few words.

import type { Schedule } from "./api/types";
import { duration } from "./format";

export function rhythmOf({ cron, every, tz }: Pick<Schedule, "cron" | "every" | "tz">): string {
  if (every !== null) return `every ${duration(every)}`;
  return tz === "UTC" ? (cron ?? "") : `${cron ?? ""} in ${tz}`;
}

export function whatOf({ task, workflow }: Pick<Schedule, "task" | "workflow">): string {
  if (task) return task.type;
  const name = (workflow as Record<string, unknown> | null)?.name;
  return typeof name === "string" ? `workflow ${name}` : "a workflow";
}
