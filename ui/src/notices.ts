// What was done, told without moving the focus; it goes by itself.

import { reactive } from "vue";
import { lookAgain } from "./live";

const SHOWN_MS = 5000;

export interface Notice {
  id: number;
  text: string;
  bad: boolean;
}

export const notices = reactive<Notice[]>([]);
let last = 0;

export function say(text: string, { bad = false } = {}): void {
  const id = ++last;
  notices.push({ id, text, bad });
  window.setTimeout(() => dismiss(id), bad ? 2 * SHOWN_MS : SHOWN_MS);
}

export function dismiss(id: number): void {
  const at = notices.findIndex((one) => one.id === id);
  if (at >= 0) notices.splice(at, 1);
}

/** Do something, tell how it went, and look at everything anew. */
export async function act(done: string, what: () => Promise<unknown>): Promise<boolean> {
  try {
    await what();
    say(done);
    return true;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), { bad: true });
    return false;
  } finally {
    lookAgain();
  }
}
