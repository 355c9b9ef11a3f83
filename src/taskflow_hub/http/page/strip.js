// Queues and workers at a glance.

import { get, post } from "./api.js";
import { announce, byId, el, reconcile } from "./dom.js";
import { count, duration } from "./format.js";
import { may } from "./login.js";

export async function lookAtStrip() {
  const [queues, workers] = await Promise.all([get("queues"), get("workers")]);
  const cards = [
    ...queues.items.map((queue) => ({ key: `queue ${queue.name}`, make: () => queueCard(queue), of: [queue.depth, queue.paused, queue.rate, queue.held, Math.round((queue.oldest_age ?? 0) / 5), queue.max_size] })),
    ...workers.items.map((worker) => ({ key: `worker ${worker.id}`, make: () => workerCard(worker), of: [worker.state, worker.running, worker.slots, worker.stuck] })),
  ];
  if (!workers.items.length) cards.push({ key: "nobody", make: nobody, of: [] });
  reconcile(byId("strip"), cards, { key: (card) => card.key, version: (card) => JSON.stringify(card.of), make: (card) => card.make() });
  return { served: workers.items.length > 0 };
}

function queueCard(queue) {
  const { queued, running, scheduled } = queue.depth;
  const facts = [`${count(queued)} queued`, `${count(running)} running`];
  if (scheduled) facts.push(`${count(scheduled)} scheduled`);
  if (queue.rate) facts.push(`${queue.rate < 1 ? Number((queue.rate * 60).toFixed(1)) + "/min" : Number(queue.rate.toFixed(1)) + "/s"}`);
  if (queued && queue.oldest_age > 10) facts.push(`oldest ${duration(queue.oldest_age)}`);
  if (queue.held.no_worker) facts.push(`${count(queue.held.no_worker)} without a worker`);
  if (queue.max_size !== null) facts.push(`at most ${count(queue.max_size)}`);
  const verb = queue.paused ? "resume" : "pause";
  return el("li", { class: "card", "data-paused": queue.paused },
    el("h3", { title: queue.name }, el("span", { class: "kind" }, "queue "), queue.name),
    el("p", {}, queue.paused ? el("span", { class: "tag warn" }, "paused") : null, facts.join(" · ")),
    may("admin") && el("button", { type: "button", "aria-label": `${verb} queue ${queue.name}`, onclick: (event) => turn(event.currentTarget, queue.name, verb) }, verb));
}

async function turn(button, name, verb) {
  button.disabled = true;
  try {
    await post(`queues/${name}/${verb}`);
    announce(`Queue ${name} is ${verb}d.`);
  } catch (error) {
    announce(error.message);
  }
  button.disabled = false;
}

function workerCard(worker) {
  const share = Math.min(worker.running / worker.slots, 1);
  return el("li", { class: "card" },
    el("h3", { title: worker.id }, el("span", { class: "kind" }, "worker "), worker.name || worker.id),
    el("p", {}, worker.state === "alive" ? null : el("span", { class: "tag warn" }, worker.state), `${worker.running} of ${worker.slots} slots busy`, worker.stuck.length ? ` · ${worker.stuck.length} stuck` : null),
    el("meter", { min: 0, max: 1, value: share, "aria-label": `busy slots of worker ${worker.name}` }));
}

const nobody = () => el("li", { class: "card warn" },
  el("h3", {}, "No worker"),
  el("p", {}, "Tasks are kept until one comes: ", el("code", {}, "taskflow up"), " brings its own."));
