// Strokes in a square of 20.

export const ICONS = {
  broken: "M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14M7.5 7.5l5 5M12.5 7.5l-5 5",
  list: "M3 5h14M3 10h14M3 15h9",
  queue: "M4 4h12v3H4zM4 9h12v3H4zM4 14h8v3H4z",
  worker: "M5 5h10v10H5zM8 2v3M12 2v3M8 15v3M12 15v3M2 8h3M2 12h3M15 8h3M15 12h3",
  clock: "M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14M10 6v4l3 2",
  graph: "M4 4h4v4H4zM12 12h4v4h-4zM12 4h4v4h-4zM8 6h4M14 8v4",
  gauge: "M3 14a7 7 0 0 1 14 0M10 14l3-4",
  alert: "M10 3l8 14H2zM10 8v4M10 14.5v.5",
  key: "M7 9a4 4 0 1 0 0 .1M10 10h8M15 10v3",
  sliders: "M3 6h8M15 6h2M13 4v4M3 14h2M9 14h8M7 12v4",
  search: "M9 4a5 5 0 1 0 0 10a5 5 0 1 0 0-10M13 13l4 4",
  plus: "M10 4v12M4 10h12",
  sun: "M10 7a3 3 0 1 0 0 6a3 3 0 1 0 0-6M10 2v2M10 16v2M2 10h2M16 10h2M4.5 4.5l1.4 1.4M14.1 14.1l1.4 1.4M4.5 15.5l1.4-1.4M14.1 5.9l1.4-1.4",
  moon: "M16 12a7 7 0 0 1-8-8a7 7 0 1 0 8 8z",
  screen: "M3 4h14v9H3zM7 17h6M10 13v4",
  copy: "M7 7h9v10H7zM4 13V3h9",
  check: "M4 10.5l4 4l8-9",
  close: "M5 5l10 10M15 5L5 15",
  chevron: "M7 4l6 6l-6 6",
  back: "M12 4l-6 6l6 6",
} as const;

export type IconName = keyof typeof ICONS;
