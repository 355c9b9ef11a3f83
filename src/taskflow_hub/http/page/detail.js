// One task, whole: what it was asked, what became of it, and what can be done about it.

import { address, ask, get, post, Problem } from "./api.js";
import { announce, byId, el, say, show } from "./dom.js";
import { ago, between, duration, json, when } from "./format.js";
import { may } from "./login.js";
import { go, read } from "./state.js";

const UNFINISHED = ["scheduled", "blocked", "queued", "running"];
const LONG = 20_000; // characters that are shown before one asks for all
const LOGS = 500;
const REASONS = {
  expired: "No attempt had started before it expired.",
  timeout: "Its last attempt ran over its time.",
  poison: "Too many workers died while they ran it.",
  undeliverable: "Its assignments were lost on the way too often.",
  result_rejected: "Its handler succeeded, but the result could not be stored.",
  lost: "Its worker died, and its type asks for a person to look first.",
  handler: "Its handler raised for the last time, or gave up.",
};

let drawn = "";
let lines = { task: "", items: [] };

export async function lookAtDetail() {
  const id = read().task, place = byId("detail");
  document.body.classList.toggle("has-detail", Boolean(id));
  if (!id) {
    show(place, false);
    drawn = "";
    return;
  }
  show(place, true);
  try {
    const path = `tasks/${encodeURIComponent(id)}`;
    const [task, attempts] = await Promise.all([get(path), get(`${path}/attempts`)]);
    await readLogs(path, task);
    if (read().task !== id) return;
    const version = [task.id, task.rev, task.hold, attempts.items.length, lines.items.length].join();
    if (version !== drawn) draw(place, task, attempts.items);
    drawn = version;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    place.replaceChildren(heading("Task"), el("p", { class: "error" }, error.message));
    drawn = "";
  }
}

async function readLogs(path, task) {
  if (lines.task !== task.id) lines = { task: task.id, items: [] };
  const last = lines.items.at(-1);
  const page = await get(`${path}/logs`, { after: last && `${last.attempt}.${last.n}`, limit: LOGS });
  lines.items.push(...page.items);
}

function draw(place, task, attempts) {
  const focused = document.activeElement?.dataset?.focus, scroll = place.scrollTop, first = !drawn.startsWith(task.id);
  const openLong = new Set([...place.querySelectorAll("[data-long]")].map((node) => node.dataset.long));
  place.replaceChildren(...[
    heading(task.type),
    el("p", { class: "lead" }, el("span", { class: "status", "data-status": task.status }, task.status), " ", why(task)),
    progress(task),
    actions(task),
    facts(task),
    ...section("Error", task.error && [el("p", { class: "failure" }, el("strong", {}, task.error.type), ": ", task.error.message), task.error.traceback ? text("traceback", task.error.traceback, openLong) : null]),
    ...section("Result", task.status === "success" && [result(task, openLong)]),
    ...section("Payload", [text("payload", json(task.payload), openLong)]),
    ...section("Attempts", attempts.length > 0 && [el("ol", { class: "attempts" }, attempts.map(attempt))]),
    ...section("Log", lines.items.length > 0 && [el("ol", { class: "log" }, lines.items.map(line))]),
  ].filter(Boolean));
  place.scrollTop = first ? 0 : scroll;
  if (first) byId("detail-title").focus({ preventScroll: false });
  else if (focused) place.querySelector(`[data-focus="${focused}"]`)?.focus({ preventScroll: true });
}

function heading(title) {
  return el("div", { class: "heading" },
    el("h2", { id: "detail-title", tabindex: "-1", "data-focus": "title" }, title),
    el("button", { type: "button", "aria-label": "Close", "aria-keyshortcuts": "Escape", "data-focus": "close", onclick: () => go({ task: "" }) }, "×"));
}

function why(task) {
  if (task.hold) return { no_worker: "No worker that is alive serves this type.", paused: "Its queue is paused." }[task.hold] ?? task.hold;
  if (task.status === "failed") return REASONS[task.reason] ?? task.reason ?? "";
  if (task.status === "scheduled" && task.run_at) return `runs ${ago(task.run_at)}, ${when(task.run_at)}`;
  if (task.status === "running" && task.cancel_requested_at) return "has been asked to end";
  return "";
}

function progress(task) {
  if (!task.progress) return null;
  const percent = Math.round(task.progress.fraction * 100);
  return el("p", { class: "progress" },
    el("progress", { max: 1, value: task.progress.fraction, "aria-label": "Progress" }, `${percent} %`),
    el("span", {}, `${percent} % ${task.progress.message}`));
}

function actions(task) {
  const path = `tasks/${task.id}`;
  const buttons = !may("manage") ? [] : [
    UNFINISHED.includes(task.status) && !task.cancel_requested_at && ["cancel", "Cancel", () => post(`${path}/cancel`)],
    task.status === "scheduled" && ["promote", "Run now", () => post(`${path}/promote`)],
    ["failed", "cancelled"].includes(task.status) && ["redrive", "Run again", () => post(`${path}/redrive`)],
    !UNFINISHED.includes(task.status) && ["delete", "Delete", async () => { await ask("DELETE", path); go({ task: "" }); }],
  ].filter(Boolean);
  const error = el("p", { class: "error", role: "alert", hidden: true });
  return el("div", {},
    el("p", { class: "buttons" }, buttons.map(([name, label, act]) =>
      el("button", { type: "button", "data-focus": name, class: name === "delete" ? "danger" : null, onclick: (event) => run(event.currentTarget, label, act, error) }, label))),
    error);
}

async function run(button, label, act, error) {
  button.disabled = true;
  try {
    await act();
    announce(`${label}: done.`);
    dispatchEvent(new Event("acted"));
  } catch (problem) {
    say(error, problem.message);
    show(error, true);
    button.disabled = false;
  }
}

function facts(task) {
  const time = (value) => value && el("time", { datetime: value, title: value }, when(value));
  const retries = task.max_retries === null ? `${task.retry_count}, without end` : `${task.retry_count} of ${task.max_retries}`;
  const pairs = [
    ["Id", el("code", {}, task.id)],
    ["Queue", task.queue],
    ["Priority", String(task.priority)],
    ["Submitted", time(task.created_at)],
    ["Runs at", task.status === "scheduled" && time(task.run_at)],
    ["Started", time(task.started_at)],
    ["Finished", time(task.finished_at)],
    ["Took", task.started_at && task.finished_at && between(task.started_at, task.finished_at)],
    ["Expires", time(task.expires_at)],
    ["Attempt", task.attempt > 0 && String(task.attempt)],
    ["Retries", task.attempt > 0 && retries],
    ["Crashes", task.crashes > 0 && String(task.crashes)],
    ["Timeout", task.timeout !== null && duration(task.timeout)],
    ["Tags", task.tags.length > 0 && task.tags.map((tag) => el("span", { class: "tag" }, tag))],
    ["Worker", task.worker && el("code", {}, task.worker)],
    ["Parent", task.parent_id && el("a", { href: `?task=${task.parent_id}`, onclick: (event) => { event.preventDefault(); go({ task: task.parent_id }); } }, task.parent_id)],
    ["Trace", task.traceparent && el("code", {}, task.traceparent)],
  ];
  return el("dl", { class: "facts" }, pairs.filter(([, value]) => value).map(([name, value]) => el("div", { class: value.tagName === "CODE" || value.tagName === "A" ? "wide" : null }, el("dt", {}, name), el("dd", {}, value))));
}

function section(title, children) {
  return children ? [el("section", {}, el("h3", {}, title), ...children)] : [];
}

function result(task, openLong) {
  if (!task.result_ref) return text("result", json(task.result), openLong);
  return el("div", {},
    text("preview", `${task.result_ref.preview}…`, openLong),
    el("p", {}, el("a", { href: address(`tasks/${task.id}/result`), target: "_blank", rel: "noopener" }, `Show all ${task.result_ref.size.toLocaleString("en")} bytes`)));
}

/** A block of text; a very long one is cut until one asks for all of it. */
function text(name, whole, openLong) {
  const block = el("pre", { tabindex: "0", "aria-label": name, "data-focus": name });
  if (whole.length <= LONG || openLong.has(name)) {
    block.textContent = whole;
    if (whole.length > LONG) block.dataset.long = name;
    return block;
  }
  block.textContent = whole.slice(0, LONG);
  const more = el("button", { type: "button", onclick: () => { block.textContent = whole; block.dataset.long = name; more.remove(); } }, `… show all ${whole.length.toLocaleString("en")} characters`);
  return el("div", {}, block, more);
}

function attempt(one) {
  const ended = one.ended_at && one.started_at ? ` after ${between(one.started_at, one.ended_at)}` : "";
  return el("li", { value: one.attempt },
    el("strong", {}, one.outcome ?? "running"), ended,
    one.started_at ? el("span", { class: "hint" }, ` · ${when(one.started_at)}`) : null,
    one.error ? el("p", { class: "failure" }, one.error.type, ": ", one.error.message) : null);
}

function line(one) {
  const fields = Object.keys(one.fields).length ? ` ${JSON.stringify(one.fields)}` : "";
  return el("li", { "data-level": one.level },
    el("time", { datetime: one.at, title: when(one.at) }, new Date(one.at).toLocaleTimeString()), " ",
    el("span", { class: "level" }, one.level), " ", one.message, el("span", { class: "hint" }, fields));
}
