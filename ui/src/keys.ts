// Keyboard first: what each key does, wherever one is. What is mounted last is asked first.

import { onScopeDispose, reactive } from "vue";
import "./menus"; // an open one is asked before all others

export interface Shortcut {
  /** As in KeyboardEvent.key; "g t" is one after the other. */
  keys: string;
  does: string;
  act: () => void;
  when?: () => boolean;
}

const layers = reactive<Shortcut[][]>([]);
const SEQUENCE_MS = 1200;
let before = "";
let beforeAt = 0;

export const shortcuts = (): Shortcut[] => layers.flat().filter((one) => one.when?.() ?? true);

export function useKeys(made: Shortcut[]): void {
  layers.push(made);
  onScopeDispose(() => {
    const at = layers.findIndex((layer) => layer.some((one) => made.some((own) => own.act === one.act)));
    if (at >= 0) layers.splice(at, 1);
  });
}

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), textarea, select"));

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return; // it has keys of its own
  if (typing(event.target)) {
    if (event.key === "Escape") (event.target as HTMLElement).blur(); // only then is it somebody else's
    return;
  }
  // When they were pressed: a busy page hears of it late.
  const sequence = event.timeStamp - beforeAt < SEQUENCE_MS ? `${before} ${event.key}` : "";
  const found = layers.toReversed().flat().find((one) => (one.keys === sequence || one.keys === event.key) && (one.when?.() ?? true));
  [before, beforeAt] = [event.key, event.timeStamp];
  if (!found) return;
  before = "";
  event.preventDefault();
  found.act();
});
