// Where a workflow's nodes stand: in layers, each right of all that it comes after, near those it is joined to. A line that passes
// layers has a place of its own in each, so that it never runs behind a box; lines with an end in common share it.

export interface Node {
  name: string;
  after: readonly { parent: string; on: string }[];
}

export interface Place {
  name: string;
  x: number;
  y: number;
}

export interface Line {
  key: string;
  from: string;
  to: string;
  on: string;
  path: string;
}

export interface Drawing {
  places: Place[];
  lines: Line[];
  width: number;
  height: number;
}

/** What has a place in a layer: a node, or a line that passes. */
interface Stop {
  layer: number;
  height: number;
  joined: Set<Stop>;
  /** Of its middle. */
  y: number;
}

export const BOX = { width: 190, height: 50 } as const;
const PASSING = 4; // the height of a line
const GAP = { x: 60, y: 18 } as const;
const MARGIN = 4;
const SWEEPS = 6;

/** `nodes`: parents first. */
export function draw(nodes: readonly Node[]): Drawing {
  const depth = new Map<string, number>();
  for (const { name, after } of nodes) depth.set(name, Math.max(-1, ...after.map(({ parent }) => depth.get(parent) ?? -1)) + 1);
  const layers: Stop[][] = Array.from({ length: Math.max(0, ...depth.values()) + 1 }, () => []);
  const add = (layer: number, height: number): Stop => {
    const stop = { layer, height, joined: new Set<Stop>(), y: 0 };
    layers[layer]?.push(stop);
    return stop;
  };
  const join = (one: Stop, other: Stop): void => {
    one.joined.add(other);
    other.joined.add(one);
  };

  const boxes = new Map(nodes.map(({ name }) => [name, add(depth.get(name) ?? 0, BOX.height)]));
  const edges = nodes.flatMap(({ name, after }) => after.filter(({ parent }) => boxes.has(parent)).map(({ parent, on }) => ({ from: parent, to: name, on })));
  const long = edges.filter(({ from, to }) => (depth.get(to) ?? 0) - (depth.get(from) ?? 0) > 1);
  const busy = new Map<string, number>();
  for (const { from, to } of long) for (const end of [`from ${from}`, `to ${to}`]) busy.set(end, (busy.get(end) ?? 0) + 1);
  const lanes = new Map<string, Stop>();
  const routes = edges.map((edge) => {
    const [from, to] = [boxes.get(edge.from), boxes.get(edge.to)] as [Stop, Stop];
    const shared = (busy.get(`to ${edge.to}`) ?? 0) > (busy.get(`from ${edge.from}`) ?? 0) ? `to ${edge.to}` : `from ${edge.from} ${edge.on}`;
    const stops = [from];
    for (let layer = from.layer + 1; layer < to.layer; layer++) {
      const key = `${layer} ${shared}`;
      const lane = lanes.get(key) ?? add(layer, PASSING);
      lanes.set(key, lane);
      stops.push(lane);
    }
    stops.push(to);
    stops.slice(1).forEach((stop, index) => join(stops[index] as Stop, stop));
    return { edge, stops };
  });

  // First their order, by what each is joined to on one side and then on the other; then their places, by both.
  for (const layer of layers) settle(layer);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const side = sweep % 2 ? 1 : -1;
    for (const layer of side > 0 ? layers.toReversed() : layers) {
      const wanted = new Map(layer.map((stop) => [stop, wish(stop, side)]));
      layer.sort((one, other) => (wanted.get(one) ?? 0) - (wanted.get(other) ?? 0));
      settle(layer, side);
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) for (const layer of sweep % 2 ? layers.toReversed() : layers) settle(layer);

  const all = layers.flat();
  const top = Math.min(0, ...all.map((stop) => stop.y - stop.height / 2));
  const bottom = Math.max(0, ...all.map((stop) => stop.y + stop.height / 2));
  for (const stop of all) stop.y += MARGIN - top;
  return {
    places: nodes.map(({ name }) => {
      const { layer, y } = boxes.get(name) as Stop;
      return { name, x: left(layer), y: y - BOX.height / 2 };
    }),
    lines: routes.map(({ edge: { from, to, on }, stops }) => ({ key: `${from} ${to}`, from, to, on, path: pathOf(stops) })),
    width: 2 * MARGIN + layers.length * (BOX.width + GAP.x) - GAP.x,
    height: 2 * MARGIN + bottom - top,
  };
}

const left = (layer: number): number => MARGIN + layer * (BOX.width + GAP.x);

/** Straight across the layers that it passes, bent between them. */
function pathOf(stops: readonly Stop[]): string {
  return stops.map(({ layer, y }, index) => {
    const begins = left(layer);
    if (index === 0) return `M${begins + BOX.width} ${round(y)}`;
    const bend = GAP.x / 2;
    const before = round((stops[index - 1] as Stop).y);
    const curve = `C${begins - bend} ${before} ${begins - bend} ${round(y)} ${begins} ${round(y)}`;
    return index === stops.length - 1 ? curve : `${curve}H${begins + BOX.width}`;
  }).join("");
}

const round = (number: number): number => Math.round(number * 10) / 10;

/** In the middle of what it is joined to: on both sides, or left (-1) or right (1) of it. */
function wish({ layer, joined, y }: Stop, side = 0): number {
  let [sum, count] = [0, 0];
  for (const other of joined) {
    if (side && Math.sign(other.layer - layer) !== side) continue;
    sum += other.y;
    count++;
  }
  return count === 0 ? y : sum / count;
}

/** Each as near to where it wishes to be as their order and the gaps between them let it: those that push each other move as one. */
function settle(layer: readonly Stop[], side = 0): void {
  const groups: { stops: Stop[]; sum: number }[] = [];
  const offsets = new Map<Stop, number>();
  let offset = 0;
  for (const stop of layer) {
    offsets.set(stop, offset + stop.height / 2);
    offset += stop.height + GAP.y;
    let group = { stops: [stop], sum: wish(stop, side) - (offsets.get(stop) ?? 0) };
    for (let last = groups.at(-1); last && last.sum / last.stops.length >= group.sum / group.stops.length; last = groups.at(-1)) {
      groups.pop();
      group = { stops: [...last.stops, ...group.stops], sum: last.sum + group.sum };
    }
    groups.push(group);
  }
  for (const { stops, sum } of groups) for (const stop of stops) stop.y = sum / stops.length + (offsets.get(stop) ?? 0);
}
