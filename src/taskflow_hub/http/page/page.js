// The page: what is looked at, when, and which key does what.

import { byId, show } from "./dom.js";
import { drawForm, lookAtTypes, startForm, toggleForm } from "./form.js";
import { lookAtDetail } from "./detail.js";
import { drawStatuses, ID, lookAtList, showMore } from "./list.js";
import { Live } from "./live.js";
import { known, may } from "./login.js";
import { go, read } from "./state.js";
import { lookAtStrip } from "./strip.js";

const TYPING_MS = 250;

if (!await known()) await new Promise(() => {}); // the form loads the page anew

show(byId("new"), may("submit"));
startForm();
drawForm();
drawStatuses();
byId("query").value = read().query;

const live = new Live(async () => {
  await Promise.all([lookAtList(), lookAtStrip(), lookAtDetail(), lookAtTypes()]);
});

addEventListener("acted", () => live.now());
addEventListener("statechange", () => {
  const { query } = read();
  if (document.activeElement !== byId("query") || !byId("query").value.trim()) byId("query").value = query;
  drawForm();
  drawStatuses();
  for (const link of byId("list").querySelectorAll("a")) {
    link.toggleAttribute("aria-current", false);
  }
  live.now();
});

byId("new").addEventListener("click", toggleForm);
byId("more").addEventListener("click", () => {
  showMore();
  live.now();
});

let typing = null;
byId("query").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(find, TYPING_MS);
});
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});

function find() {
  clearTimeout(typing);
  const query = byId("query").value.trim();
  if (ID.test(query)) go({ task: query });
  else go({ query }, { replace: true });
}

// --- keys

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return void escape();
  if (event.target.closest?.("input, textarea, select")) return;
  const act = { j: () => move(1), k: () => move(-1), "/": () => byId("query").focus(), n: () => may("submit") && (read().new || toggleForm()) }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

/** Close what is uppermost: the field one types in, the form, the task. */
function escape() {
  const { task, new: form } = read();
  if (document.activeElement === byId("query")) byId("query").blur();
  else if (form) go({ new: "" });
  else if (task) {
    go({ task: "" });
    byId("list").querySelector(`[data-key="${CSS.escape(task)}"] a`)?.focus();
  }
}

/** The next task becomes the focused one; with a task open, it is opened. */
function move(step) {
  const links = [...byId("list").querySelectorAll("a.row")];
  if (!links.length) return;
  const { task } = read();
  const at = links.findIndex((link) => link === document.activeElement || (task && link.parentElement.dataset.key === task));
  const next = links[Math.min(Math.max(at + step, 0), links.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  if (task) go({ task: next.parentElement.dataset.key }, { replace: true });
}
