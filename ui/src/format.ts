// Values as people read them.

import { onScopeDispose, ref } from "vue";
import type { Ref } from "vue";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const hourMinute = new Intl.DateTimeFormat(undefined, { hourCycle: "h23", hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric" });
const dayAndTime = new Intl.DateTimeFormat(undefined, { hourCycle: "h23", weekday: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const short = new Intl.NumberFormat("en", { notation: "compact" });
const STEPS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]] as const;

export function ago(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step * 0.95) ?? ["second", 1];
  return relative.format(Math.round(seconds / size), unit);
}

export const when = (time: string): string => absolute.format(new Date(time));
export const clockTime = (time: string): string => clock.format(new Date(time));

export const timeOfDay = (time: number): string => hourMinute.format(time);
export const dayOf = (time: number): string => day.format(time);

/** A step of time, in milliseconds: "14:05", "14:15–14:30", "Mon 30, 14:00–16:00" */
export function stepInWords(from: number, length: number, withDay: boolean): string {
  const first = (withDay ? dayAndTime : hourMinute).format(from);
  return length <= 60_000 ? first : `${first}–${hourMinute.format(from + length)}`;
}

/** 0.004 → "4 ms", 1.5 → "1.5 s", 125 → "2 min 5 s" */
export function duration(seconds: number): string {
  if (seconds < 0.001) return "<1 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  let left = Math.round(seconds);
  const parts = ([[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]] as const).map(([size, unit]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return [count, unit] as const;
  });
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first, first + 2).filter(([count]) => count).map((part) => part.join(" ")).join(" ");
}

export const between = (from: string, to: string | number): string =>
  duration(Math.max((typeof to === "number" ? to : Date.parse(to)) - Date.parse(from), 0) / 1000);

// Control characters, and those that turn the text around them: a name that holds one could be taken for another.
const UNSEEN = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

/** Text of others, in which what cannot be seen is written as JSON writes it. */
export const visible = (text: string): string =>
  text.replace(UNSEEN, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** The beginning of a text, if it is long: at most so many characters, in so many lines. */
export function beginning(text: string, characters: number, lines = Infinity): string {
  const cut = text.slice(0, characters).replace(/[\ud800-\udbff]$/, "");
  const shown = lines === Infinity ? cut : cut.split("\n", lines).join("\n");
  return shown.length < text.length ? `${shown} …` : text;
}

export const count = (number: number): string => number.toLocaleString("en");

/** 12 000 → "12K" */
export const shortCount = (number: number): string => short.format(number);
/** How many tasks there are, as far as they are counted: beyond, about so many, or at least. */
export interface Counted {
  count: number;
  exact: boolean;
}
const COUNTED = 10_000; // as far as the hub counts; and what it says where it knows nothing of the rest
const isLeast = ({ count: number, exact }: Counted): boolean => !exact && number === COUNTED;

/** "9,876", "10,000+", "~45,000", "~1.2 M"; of several, how many they are together */
export function counted(...counts: Counted[]): string {
  const number = counts.reduce((sum, one) => sum + one.count, 0);
  if (counts.every((one) => one.exact)) return count(number);
  if (counts.some(isLeast)) return `${count(number)}+`;
  const about = Number(number.toPrecision(2));
  return about < 1_000_000 ? `~${count(about)}` : `~${Number((about / 1_000_000).toPrecision(2))} M`;
}

/** "3 tasks", "1 task" */
export const many = (number: number, one: string, more = `${one}s`): string => `${count(number)} ${number === 1 ? one : more}`;

export function bytes(size: number): string {
  if (size < 1024) return many(size, "byte");
  const [unit, value] = size < 1_048_576 ? ["KiB", size / 1024] as const : ["MiB", size / 1_048_576] as const;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}

/** A number as somebody typed it; what is none stays text, and the hub says so. Empty is null. */
export function typedNumber(text: string): number | string | null {
  const said = text.trim();
  return said === "" ? null : Number.isFinite(Number(said)) ? Number(said) : said;
}

// --- the time that passes, in one clock for all

const now = ref(Date.now());
let users = 0;
let timer = 0;

/** The present, to the second, in milliseconds. */
export function useNow(): Ref<number> {
  if (users++ === 0) {
    now.value = Date.now();
    timer = window.setInterval(() => {
      if (!document.hidden) now.value = Date.now();
    }, 1000);
  }
  onScopeDispose(() => {
    if (--users === 0) window.clearInterval(timer);
  });
  return now;
}
