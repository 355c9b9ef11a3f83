// JSON whose integers beyond 2^53 stay as they were written, where the browser can keep them.

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json } | Raw;

export interface Raw {
  readonly rawJSON: string;
}

export function isRaw(value: unknown): value is Raw {
  return JSON.isRawJSON?.(value) ?? false;
}

function keep(_: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source ?? "";
  const inexact = typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source);
  return inexact && JSON.rawJSON ? JSON.rawJSON(source) : value;
}

export const parse = (text: string): unknown => JSON.parse(text, keep as (name: string, value: unknown) => unknown);

export const pretty = (value: unknown): string => JSON.stringify(value, null, 2) ?? "null";
