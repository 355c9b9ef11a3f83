// Values as people read them.

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function ago(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step * 0.95) ?? STEPS.at(-1);
  return relative.format(Math.round(seconds / size), unit);
}

export const when = (time) => absolute.format(new Date(time));

/** 0.004 → "4 ms", 1.5 → "1.5 s", 125 → "2 min 5 s" */
export function duration(seconds) {
  if (seconds < 0.001) return "under 1 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].map(([size, unit]) => {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    return [count, unit];
  });
  return parts.filter(([count]) => count).slice(0, 2).map((part) => part.join(" ")).join(" ");
}

export const between = (from, to) => duration((Date.parse(to) - Date.parse(from)) / 1000);

export const json = (value) => JSON.stringify(value, null, 2);

export const count = (number) => number.toLocaleString("en");
