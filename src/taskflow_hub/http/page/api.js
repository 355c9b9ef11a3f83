// The hub's API, from a page below it: paths are relative, so the page works behind any prefix.

const ROOT = new URL("../", document.baseURI);

export const address = (path) => new URL(path, ROOT);

export class Problem extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The hub answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? "";
    this.errors = problem.errors ?? [];
  }
}

let proof = null;

/** What proves that a change is asked for by this page, and not by another that knows its cookie is sent. */
export const prove = (token) => { proof = token; };

/** The hub could not be asked at all. */
export class Unreachable extends Error {}

export async function ask(method, path, { query = {}, body, signal } = {}) {
  const url = address(path);
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== "") url.searchParams.append(name, one);
  }
  let answer, text;
  try {
    answer = await fetch(url, { method, body, signal, headers: { Accept: "application/json", ...(method !== "GET" && proof ? { "X-CSRF-Token": proof } : {}) } });
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("The hub cannot be reached.");
  }
  const value = parse(text);
  if (answer.status === 401 && !path.startsWith("auth/")) location.reload(); // the login has ended: the page asks for another
  if (!answer.ok) throw new Problem(answer.status, value ?? {});
  return value;
}

export const get = (path, query, signal) => ask("GET", path, { query, signal });
export const post = (path, body) => ask("POST", path, { body });

/** JSON, with integers beyond 2^53 kept as they were written, where the browser can. */
function parse(text) {
  const exact = (_, value, context) =>
    typeof value === "number" && !Number.isSafeInteger(value) && JSON.rawJSON && /^-?\d+$/.test(context?.source ?? "")
      ? JSON.rawJSON(context.source)
      : value;
  try {
    return JSON.parse(text, exact);
  } catch {
    return null;
  }
}
