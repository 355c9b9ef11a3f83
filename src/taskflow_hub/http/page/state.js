// What is shown stands in the address: ?status=failed&query=web.title&task=ID&new. Back and forward do what they say.

const NAMES = ["status", "query", "task", "new"];

export function read() {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(NAMES.map((name) => [name, given.has(name) ? given.get(name) || (name === "new" ? "1" : "") : ""]));
}

export function href(changes) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  return url.pathname + url.search;
}

/** Change the address and tell everyone; `replace` leaves no step to go back to (while typing). */
export function go(changes, { replace = false } = {}) {
  const target = href(changes);
  if (target === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  dispatchEvent(new Event("statechange"));
}

addEventListener("popstate", () => dispatchEvent(new Event("statechange")));
