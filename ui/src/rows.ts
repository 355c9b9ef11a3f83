// Rows by keyboard: j and k move the focus from link to link, Escape lets go.

import type { Ref } from "vue";
import { useKeys } from "./keys";

export function useRows(body: Readonly<Ref<HTMLElement | null>>, noun: string): { chosen: () => boolean } {
  const chosen = (): boolean => body.value?.contains(document.activeElement) ?? false;

  function move(step: number): void {
    const links = [...(body.value?.querySelectorAll<HTMLElement>("a.row-link") ?? [])];
    const at = links.findIndex((link) => link === document.activeElement);
    const next = links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)];
    next?.focus({ preventScroll: true });
    next?.closest("tr")?.scrollIntoView({ block: "nearest" });
  }

  useKeys([
    { keys: "j", does: `next ${noun}`, act: () => move(1) },
    { keys: "k", does: `${noun} before`, act: () => move(-1) },
    { keys: "Escape", does: "let go of the row", act: () => (document.activeElement as HTMLElement | null)?.blur(), when: chosen },
  ]);
  return { chosen };
}
