// The list of tasks: which are shown, how many there are, and what to do when there are none.

import { get, post, Problem } from "./api.js";
import { byId, el, reconcile, say, show } from "./dom.js";
import { ago, between, count, duration, when } from "./format.js";
import { go, href, read } from "./state.js";

export const STATUSES = ["queued", "running", "scheduled", "success", "failed", "cancelled"];
const RARE = ["blocked", "skipped"]; // shown where there are any
const PAGE = 50, MOST = 1000, COUNT_EVERY_MS = 3000;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let wanted = PAGE, shownFor = "", countedFor = "", countedAt = 0, counting = null, recount = null;

/** "web.title queue:slow #night" → what the API filters by */
export function conditions(query) {
  const found = {};
  for (const word of query.split(/\s+/).filter(Boolean)) {
    if (word.startsWith("#")) found.tag = word.slice(1);
    else if (word.startsWith("queue:")) found.queue = word.slice(6);
    else if (word.startsWith("tag:")) found.tag = word.slice(4);
    else found.type = word;
  }
  return found;
}

export async function lookAtList() {
  const { status, query, task } = read();
  const where = conditions(query), asked = JSON.stringify([status, query]);
  if (asked !== shownFor) wanted = PAGE;
  let page;
  try {
    page = await get("tasks", { ...where, status, limit: wanted });
    while (page.next_cursor !== null && page.items.length < wanted) { // a page of large tasks ends early
      const next = await get("tasks", { ...where, status, limit: wanted - page.items.length, cursor: page.next_cursor });
      page = { items: [...page.items, ...next.items], next_cursor: next.next_cursor };
    }
    show(byId("list-error"), false);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(byId("list-error"), error.message);
    show(byId("list-error"), true);
    page = { items: [], next_cursor: null };
  }
  if (JSON.stringify([read().status, read().query]) !== asked) return; // the reader has gone on meanwhile
  shownFor = asked;
  reconcile(byId("list"), page.items, {
    key: (one) => one.id,
    version: (one) => [one.rev, one.hold, one.id === task, Math.floor(Date.now() / tick(one))].join(),
    make: (one) => row(one, one.id === task),
  });
  show(byId("more"), page.next_cursor !== null && wanted < MOST);
  drawEmpty(!page.items.length && byId("list-error").hidden, status || query);
  countStatuses(where);
}

export function showMore() {
  wanted = Math.min(wanted + 100, MOST);
}

/** How often a row's times are worth another look. */
const tick = (task) => (Date.now() - Date.parse(task.created_at) < 60_000 || task.status === "running" ? 1000 : 60_000);

function row(task, open) {
  return el("li", {},
    el("a", { class: "row", href: href({ task: task.id }), "aria-current": open ? "true" : null, onclick: (event) => opened(event, task.id) },
      el("span", { class: "status", "data-status": task.status }, task.status),
      el("span", { class: "type" }, task.type),
      el("span", { class: "queue" }, el("span", { class: "hidden" }, "queue "), task.queue),
      el("span", { class: "note" }, note(task)),
      el("time", { datetime: task.created_at, title: when(task.created_at) }, ago(task.created_at))));
}

function note(task) {
  if (task.status === "running" && task.progress) return `${Math.round(task.progress.fraction * 100)} % ${task.progress.message}`;
  if (task.status === "running") return task.cancel_requested_at ? "asked to end" : task.started_at ? `for ${between(task.started_at, new Date().toISOString())}` : "with its worker";
  if (task.status === "scheduled" && task.run_at) return `${task.error ? "again " : ""}${ago(task.run_at)}`;
  if (task.status === "queued" && task.hold) return { no_worker: "no worker serves it", paused: "its queue is paused" }[task.hold] ?? task.hold;
  if (task.status === "failed") return task.error ? `${task.error.type}: ${task.error.message}` : task.reason ?? "";
  if (task.status === "success" && task.started_at) return `took ${between(task.started_at, task.finished_at)}`;
  return "";
}

function opened(event, id) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go({ task: id });
}

// --- counts

export function drawStatuses(counts = null) {
  const { status } = read();
  const names = ["", ...STATUSES, ...RARE.filter((name) => counts?.[name] || status === name)];
  const known = counts ?? Object.fromEntries([...byId("statuses").children].map((node) => [node.dataset.name, node.dataset.count]));
  reconcile(byId("statuses"), names, {
    key: (name) => name || "all",
    version: (name) => [known[name], name === status, location.search].join(),
    make: (name) => {
      const number = known[name];
      const link = el("a", {
        href: href({ status: name }), class: "chip", "data-status": name, "aria-current": name === status ? "true" : null,
        onclick: (event) => { event.preventDefault(); go({ status: name }); },
      }, name || "all", number === undefined || number === "" ? null : el("span", { class: "count" }, count(Number(number))));
      return link;
    },
  });
  for (const node of byId("statuses").children) {
    const name = node.dataset.status ?? "";
    node.dataset.name = name;
    node.dataset.count = known[name] ?? "";
  }
}

/** Counting costs more than listing, so it is done less often, and nobody waits for it. */
function countStatuses(where) {
  const key = JSON.stringify(where), wait = key === countedFor ? countedAt + COUNT_EVERY_MS - Date.now() : 0;
  clearTimeout(recount);
  if (counting || wait > 0) {
    recount = setTimeout(() => countStatuses(where), Math.max(wait, 100));
    return;
  }
  counting = (async () => {
    const names = [...STATUSES, ...RARE];
    const totals = await Promise.all(names.map((name) => countOf({ ...where, status: [name] })));
    const counts = Object.fromEntries(names.map((name, index) => [name, totals[index]]));
    counts[""] = totals.reduce((sum, total) => sum + total, 0);
    [countedFor, countedAt] = [key, Date.now()];
    drawStatuses(counts);
  })().catch(() => {}).finally(() => { counting = null; });
}

const countOf = async (filter) =>
  (await post("bulk", JSON.stringify({ filter, action: "cancel", dry_run: true }))).total;

// --- nothing there

function drawEmpty(empty, filtered) {
  const place = byId("empty");
  show(place, empty);
  if (!empty || place.dataset.of === String(Boolean(filtered))) return;
  place.dataset.of = String(Boolean(filtered));
  if (filtered) {
    place.replaceChildren(el("p", {}, "No task matches. "), el("p", {}, el("a", { href: href({ status: "", query: "" }), onclick: (event) => { event.preventDefault(); go({ status: "", query: "" }); } }, "Show all tasks")));
    return;
  }
  const base = new URL("../", document.baseURI).href.replace(/\/$/, "");
  place.replaceChildren(
    el("p", {}, el("strong", {}, "No tasks yet."), " Submit the first one, here with New task or from a shell:"),
    command(`curl ${base}/tasks -d '{"type": "web.title", "payload": {"url": "https://example.org/"}}'`),
    command(`taskflow task submit web.title '{"url": "https://example.org/"}' --wait`));
}

function command(text) {
  const button = el("button", { type: "button", onclick: async () => { await navigator.clipboard.writeText(text); say(button, "copied"); } }, "copy");
  return el("p", { class: "command" }, el("code", {}, text), button);
}

export { ID };
