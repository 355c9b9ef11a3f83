// The hub's API. Paths are relative to the page's base, so it works behind any prefix.

import { parse } from "./exact";
import type { paths } from "./schema";

type Method = "get" | "post" | "patch" | "delete";
type Good = 200 | 201 | 202 | 204;
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
/** The paths that have this method. */
export type Path<M extends Method> = { [P in keyof paths]: paths[P][M] extends object ? P : never }[keyof paths];
type Parameters<O, Place extends "path" | "query"> = O extends { parameters: { [K in Place]?: infer X } } ? X : undefined;
type Content<R> = R extends { content: { "application/json": infer A } } ? A : never;
export type Answer<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R } ? { [S in keyof R]: S extends Good ? Content<R[S]> : never }[keyof R] : never;
type Loose<T> = T extends (infer I)[] ? Loose<I>[] : T extends object ? { [K in keyof T]?: Loose<T[K]> } : T;
type Body<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? Loose<B> : never;

export interface Asked<P extends keyof paths, M extends Method> {
  path?: Parameters<Operation<P, M>, "path">;
  query?: Parameters<Operation<P, M>, "query">;
  /** An object, or JSON text as somebody typed it. */
  body?: Body<Operation<P, M>> | string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The hub said no. */
export class Problem extends Error {
  readonly code: string;
  readonly errors: readonly { pointer: string; detail: string }[];

  constructor(
    readonly status: number,
    said: unknown,
  ) {
    const told = (typeof said === "object" && said !== null ? said : {}) as Record<string, unknown>;
    super(String(told.detail ?? told.title ?? `The hub answered ${status}.`));
    this.code = typeof told.code === "string" ? told.code : "";
    this.errors = Array.isArray(told.errors) ? told.errors : [];
  }
}

/** The hub could not be asked at all. */
export class Unreachable extends Error {}

const ROOT = new URL("../", document.baseURI);

export const address = (path: string): URL => new URL(path.replace(/^\//, ""), ROOT);

let proof: string | null = null;

/** What proves that a change is asked for by this page, and not by another that knows its cookie is sent. */
export function prove(token: string | null): void {
  proof = token;
}

let onUnknown = (): void => {};

/** Who is told that the login has ended. */
export function whenUnknown(tell: () => void): void {
  onUnknown = tell;
}

function filled(path: string, values: object): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String((values as Record<string, unknown>)[name])));
}

export async function ask<M extends Method, P extends Path<M>>(method: M, path: P, asked: Asked<P, M> = {}): Promise<Answer<P, M>> {
  const url = address(filled(path, asked.path ?? {}));
  for (const [name, value] of Object.entries((asked.query ?? {}) as Record<string, unknown>)) {
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== "") url.searchParams.append(name, String(one));
  }
  const body = asked.body === undefined ? null : typeof asked.body === "string" ? asked.body : JSON.stringify(asked.body);
  const headers = {
    Accept: "application/json",
    ...(method !== "get" && proof !== null ? { "X-CSRF-Token": proof } : {}),
    ...asked.headers,
  };
  let answer: Response, text: string;
  try {
    answer = await fetch(url, { method: method.toUpperCase(), body, headers, signal: asked.signal ?? null });
    text = await answer.text();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable("The hub cannot be reached.");
  }
  let value: unknown = null;
  try {
    value = text ? parse(text) : null;
  } catch {
    // Something between us and the hub has answered: there is no more to tell than its status.
  }
  if (!answer.ok) {
    if (answer.status === 401 && !path.startsWith("/auth/")) onUnknown();
    throw new Problem(answer.status, value);
  }
  return value as Answer<P, M>;
}

export const get = <P extends Path<"get">>(path: P, asked?: Asked<P, "get">): Promise<Answer<P, "get">> => ask("get", path, asked);
export const post = <P extends Path<"post">>(path: P, asked?: Asked<P, "post">): Promise<Answer<P, "post">> => ask("post", path, asked);
