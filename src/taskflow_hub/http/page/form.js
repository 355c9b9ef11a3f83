// A small form: a type and its payload.

import { get, post } from "./api.js";
import { announce, byId, el, say, show } from "./dom.js";
import { json } from "./format.js";
import { go, read } from "./state.js";

let types = new Map();
let prefilled = "{}";

export async function lookAtTypes() {
  const { items } = await get("task-types");
  if (items.map((one) => one.type).join() === [...types.keys()].join()) return;
  types = new Map(items.map((one) => [one.type, one]));
  byId("types").replaceChildren(...items.map((one) => el("option", { value: one.type }, one.description)));
  hint();
}

export function drawForm() {
  const open = Boolean(read().new);
  const opened = open && byId("submit").hidden;
  show(byId("submit"), open);
  byId("new").setAttribute("aria-expanded", String(open));
  if (opened) byId("submit-type").focus();
}

export function toggleForm() {
  go({ new: read().new ? "" : "1" });
}

/** What the type is, and its required parameters filled in where nothing was typed yet. */
function hint() {
  const known = types.get(byId("submit-type").value);
  const name = byId("submit-type").value;
  say(byId("submit-hint"), known ? known.description : name && types.size ? "No worker has registered this type yet; the task waits for one." : "");
  const payload = byId("submit-payload");
  if (known && (payload.value.trim() === "" || payload.value === prefilled)) {
    prefilled = payload.value = json(skeleton(known.payload_schema));
  }
}

function skeleton(schema) {
  const blank = { string: "", integer: 0, number: 0, boolean: false, array: [], object: {} };
  const required = schema.required ?? [];
  return Object.fromEntries(required.map((name) => {
    const member = schema.properties?.[name] ?? {};
    return [name, member.default ?? member.examples?.[0] ?? blank[member.type] ?? null];
  }));
}

async function submit(event) {
  event.preventDefault();
  const error = byId("submit-error"), type = byId("submit-type").value.trim(), typed = byId("submit-payload").value.trim() || "{}";
  show(error, false);
  try {
    JSON.parse(typed);
  } catch (problem) {
    return refuse(`The payload is not JSON: ${problem.message}`, "submit-payload");
  }
  const button = event.submitter;
  if (button) button.disabled = true;
  try {
    // The payload travels as it was typed: numbers beyond JavaScript's stay whole.
    const task = await post("tasks", `{"type": ${JSON.stringify(type)}, "payload": ${typed}}`);
    announce(`Submitted ${task.type}.`);
    go({ new: "", task: task.id });
    dispatchEvent(new Event("acted"));
  } catch (problem) {
    const field = problem.errors?.[0]?.pointer?.startsWith("/payload") ? "submit-payload" : "submit-type";
    refuse(problem.message, field);
  } finally {
    if (button) button.disabled = false;
  }
}

function refuse(message, field) {
  const error = byId("submit-error");
  say(error, message);
  show(error, true);
  for (const name of ["submit-type", "submit-payload"]) byId(name).setAttribute("aria-invalid", String(name === field));
  byId(field).focus();
}

export function startForm() {
  byId("submit-form").addEventListener("submit", submit);
  byId("submit-type").addEventListener("input", hint);
  byId("submit-close").addEventListener("click", () => go({ new: "" }));
  byId("submit-payload").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("submit-form").requestSubmit();
  });
}
