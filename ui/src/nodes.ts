// The nodes of a workflow: what comes after what, and where each leads: to its task, its workflow, or its items.

import type { RouteLocationRaw } from "vue-router";
import type { Workflow } from "./api/types";
import type { Node } from "./graph";

export type NodeView = NonNullable<Workflow["nodes"]>[string];

const LAST = "finally";

/** Parents first. `finally` waits for all others, so it comes after those that nobody else comes after. */
export function graphOf(nodes: Readonly<Record<string, NodeView>>): Node[] {
  const others = Object.entries(nodes).filter(([name]) => name !== LAST).map(([name, { after }]) => ({ name, after }));
  if (!(LAST in nodes)) return others;
  const parents = new Set(others.flatMap(({ after }) => after.map(({ parent }) => parent)));
  const ends = others.filter(({ name }) => !parents.has(name));
  return [...others, { name: LAST, after: ends.map(({ name }) => ({ parent: name, on: "done" })) }];
}

export function placeOf(name: string, node: Pick<NodeView, "task_id" | "workflow_id" | "items">): RouteLocationRaw | null {
  if (node.items) return { query: { node: name } };
  if (node.workflow_id) return { name: "workflow", params: { id: node.workflow_id } };
  return node.task_id ? { name: "task", params: { id: node.task_id } } : null;
}
