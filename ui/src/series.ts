// From what the hub counted, step by step, to what its charts draw.

import type { QueuePoint, TypeEnds } from "./api/types";
import type { Values } from "./chart";

export interface Series {
  label: string;
  /** Its colour and its stroke, by name. */
  look: string;
  values: Values;
  as: "bars" | "line" | "area";
  /** Else they are counts. */
  seconds?: boolean;
}

export const timesOf = (points: readonly QueuePoint[]): number[] => points.map((point) => Date.parse(point.at));

/** Nobody counted what was queued, for the hub was not there; what is counted of the present step is yet to come. */
export const awayIn = (points: readonly QueuePoint[]): boolean[] => points.map((point, index) => point.queued === null && index < points.length - 1);

export const endedIn = (points: readonly QueuePoint[]): Series[] => [
  { label: "failed", look: "failed", as: "bars", values: points.map((point) => point.failed) },
  { label: "cancelled", look: "cancelled", as: "bars", values: points.map((point) => point.cancelled) },
  { label: "succeeded", look: "success", as: "bars", values: points.map((point) => point.success) },
];

export const depthIn = (points: readonly QueuePoint[]): Series[] => [
  { label: "queued", look: "queued", as: "area", values: points.map((point) => point.queued) },
  { label: "running", look: "running", as: "line", values: points.map((point) => point.running) },
];

export const ageIn = (points: readonly QueuePoint[]): Series => ({ label: "oldest", look: "age", as: "area", values: points.map((point) => point.oldest_age), seconds: true });

export const wholeOf = ({ success, failed, cancelled }: Omit<TypeEnds, "type">): number => success + failed + cancelled;

/** What is said instead of a chart that would be empty: of zeros, or of what nobody knows yet. */
export function nothingIn(series: readonly Series[], zeros: string, unknown = "Nothing has been counted yet."): string {
  const values = series.flatMap((one) => one.values);
  if (values.every((value) => value === null)) return unknown;
  return values.every((value) => !value) ? zeros : "";
}
