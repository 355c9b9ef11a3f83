// Where things stand in a chart: axes, ticks, bars, lines and their gaps, in pixels. Pure; components/TimeChart.vue draws them.

/** Null: nobody knows, which is a gap and never zero. */
export type Values = readonly (number | null)[];
export type AxisKind = "count" | "seconds" | "log";

export interface Axis {
  ticks: readonly number[];
  y: (value: number) => number;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ROUND_SECONDS = [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY];
const STEPS_OF_TIME = [5 * MINUTE, ...ROUND_SECONDS.slice(3), 2 * DAY, 4 * DAY];
/** What is round on a logarithmic axis of seconds. */
const LOG_TICKS = [0.001, 0.01, 0.1, 1, 10, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 10 * DAY, 100 * DAY];
const BETWEEN_TICKS_PX = 27;
const LABEL_PX = 58;
const DOT_PX = 2;
const SEEN_PX = 2; // a single failure among thousands is seen

/** 1, 2 or 5 times a power of ten, and not less than `rough`. */
export function nice(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((unit) => unit * power >= rough * (1 - 1e-9)) ?? 10) * power;
}

function stepOf(kind: AxisKind, rough: number): number {
  if (kind === "count") return Math.max(nice(rough), 1);
  if (rough <= 20) return nice(rough);
  return ROUND_SECONDS.find((seconds) => seconds >= rough) ?? nice(rough / DAY) * DAY;
}

/** From zero, or from the round value below the least, to the round one above the greatest. */
export function axisOf(kind: AxisKind, values: Values, height: number): Axis {
  const known = values.filter((value) => value !== null);
  const room = Math.max(Math.floor(height / BETWEEN_TICKS_PX), 1);
  if (kind === "log") return logAxis(known, height, room);
  const most = Math.max(...known, kind === "count" ? 1 : 0.001);
  const step = stepOf(kind, most / room);
  const count = Math.ceil(most / step - 1e-9);
  return { ticks: Array.from({ length: count + 1 }, (_, index) => index * step), y: (value) => height * (1 - value / (count * step)) };
}

function logAxis(known: readonly number[], height: number, room: number): Axis {
  const least = known.length > 0 ? Math.min(...known) : 0.01;
  const most = known.length > 0 ? Math.max(...known) : 10;
  const below = LOG_TICKS.findLastIndex((tick) => tick <= least);
  const above = LOG_TICKS.findIndex((tick) => tick >= most);
  const last = Math.max(above < 0 ? LOG_TICKS.length - 1 : above, 1);
  const all = LOG_TICKS.slice(Math.min(Math.max(below, 0), last - 1), last + 1);
  const [low = 0, high = 1] = [Math.log(all[0] ?? 1), Math.log(all.at(-1) ?? 10)];
  const every = Math.ceil((all.length - 1) / room);
  return {
    ticks: all.filter((_, index) => (all.length - 1 - index) % every === 0),
    y: (value) => height * (1 - (Math.log(Math.max(value, all[0] ?? 1)) - low) / (high - low)),
  };
}

/** The round local times from one to the other that have room to be written below `width`. In milliseconds. */
export function timesBetween(from: number, until: number, width: number): { time: number; midnight: boolean }[] {
  const room = Math.max(Math.floor(width / LABEL_PX), 1);
  const step = STEPS_OF_TIME.find((seconds) => seconds * 1000 * room >= until - from) ?? 7 * DAY;
  const first = new Date(from);
  const [year, month, day] = [first.getFullYear(), first.getMonth(), first.getDate()];
  const found: { time: number; midnight: boolean }[] = [];
  for (let passed = 0; ; passed += step) {
    const time = new Date(year, month, day, 0, 0, passed); // by the wall's clock, so that it is right where that is changed
    if (time.getTime() >= until) return found;
    if (time.getTime() >= from && time.getTime() !== found.at(-1)?.time) found.push({ time: time.getTime(), midnight: time.getHours() === 0 && time.getMinutes() === 0 });
  }
}

/** The borders of `count` equally wide steps, at whole pixels: one more than there are steps. */
export const bordersOf = (count: number, width: number): number[] => Array.from({ length: count + 1 }, (_, index) => Math.round((index / Math.max(count, 1)) * width));

export const middle = (borders: readonly number[], index: number): number => ((borders[index] ?? 0) + (borders[index + 1] ?? 0)) / 2;

/** Which step is at `x`. */
export function stepAt(borders: readonly number[], x: number): number {
  const found = borders.findIndex((border) => border > x) - 1;
  return found >= 0 ? found : x < 0 ? 0 : Math.max(borders.length - 2, 0);
}

/** One path for each of the series that are stacked, the first at the bottom. */
export function stackedBars(series: readonly Values[], borders: readonly number[], y: Axis["y"]): string[] {
  const ground = y(0);
  const tops = borders.map(() => ground);
  return series.map((values) => values.map((value, index) => {
    if (!value) return "";
    const [from = 0, until = 0] = [borders[index], borders[index + 1]];
    const gap = until - from >= 4 ? 1 : 0;
    const bottom = tops[index] ?? ground;
    const height = Math.max(Math.round(ground - y(value)), SEEN_PX);
    tops[index] = bottom - height;
    return `M${from} ${bottom}h${until - from - gap}v${-height}h${gap - until + from}z`;
  }).join(""));
}

/** What follows on each other without a gap, as [first, last]. */
export function runsOf(values: readonly boolean[]): [number, number][] {
  const runs: [number, number][] = [];
  values.forEach((there, index) => {
    const last = runs.at(-1);
    if (there && last?.[1] === index - 1) last[1] = index;
    else if (there) runs.push([index, index]);
  });
  return runs;
}

const known = (values: Values): [number, number][] => runsOf(values.map((value) => value !== null));
const place = (value: number | null | undefined, index: number, borders: readonly number[], y: Axis["y"]): string => `${middle(borders, index)} ${round(y(value ?? 0))}`;
const round = (pixels: number): number => Math.round(pixels * 10) / 10;

/** A line that ends where a value is missing. */
export function lineOf(values: Values, borders: readonly number[], y: Axis["y"]): string {
  return known(values).filter(([first, last]) => first < last).map(([first, last]) => {
    const places = values.slice(first, last + 1).map((value, index) => place(value, first + index, borders, y));
    return `M${places.join("L")}`;
  }).join("");
}

/** What no line can show: a value between two gaps. */
export function dotsOf(values: Values, borders: readonly number[], y: Axis["y"]): string {
  const alone = known(values).filter(([first, last]) => first === last);
  return alone.map(([index]) => `M${place(values[index], index, borders, y)}m-${DOT_PX} 0a${DOT_PX} ${DOT_PX} 0 1 0 ${2 * DOT_PX} 0a${DOT_PX} ${DOT_PX} 0 1 0-${2 * DOT_PX} 0`).join("");
}

/** What is between a line and the ground. */
export function areaOf(values: Values, borders: readonly number[], y: Axis["y"]): string {
  const ground = y(0);
  return known(values).map(([first, last]) => {
    const places = values.slice(first, last + 1).map((value, index) => place(value, first + index, borders, y));
    return `M${middle(borders, first)} ${ground}L${places.join("L")}V${ground}z`;
  }).join("");
}
