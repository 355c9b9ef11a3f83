// Where a line of what needs attention leads: to what is meant, or to the tasks that suffer from it.

import type { RouteLocationRaw } from "vue-router";
import type { Attention } from "./api/types";

/** What each code leads to where the line names nothing of its own, for it sums up several. */
const PLACES: Readonly<Record<string, RouteLocationRaw>> = {
  queue_full: { name: "queues" },
  queue_paused: { name: "queues" },
  oldest_waiting: { name: "queues" },
  schedule_missed: { name: "schedules" },
  failing_type: { name: "tasks", query: { status: "failed" } },
  poison: { name: "tasks", query: { status: "failed" } },
  no_workers: { name: "workers" },
  worker_lost: { name: "workers" }, // where it is no longer: one sees who is left
};
const WAITING: RouteLocationRaw = { name: "tasks", query: { status: "queued" } };

export function placeOf({ code, queue, type, schedule_id }: Attention): RouteLocationRaw {
  if (schedule_id) return { name: "schedule", params: { id: schedule_id } };
  if (code === "failing_type" && type) return { name: "tasks", query: { status: "failed", type } };
  if (type) return { name: "tasks", query: { status: "queued", type, ...(queue ? { queue } : {}) } };
  if (queue && code === "oldest_waiting") return { name: "tasks", query: { status: "queued", queue } };
  if (queue) return { name: "queues", query: { find: queue } };
  return PLACES[code] ?? WAITING;
}
