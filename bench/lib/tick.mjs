// What tick.py does, for programs on Node: the same files, whose layout is told there.
import fs from 'node:fs';

const HEADER = 40, MOST_LATENCIES = 4000, LAST_AT = 24;
const header = Buffer.alloc(HEADER);
let file, count = 0n, first = 0n, latencies = 0;

export const PAYLOAD = 'x'.repeat(100);
export const now = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6));

function claim() {
  file = fs.openSync(`${process.env.BENCH_TICKS}/${process.pid}`, 'w+');
  fs.ftruncateSync(file, HEADER + 8 * MOST_LATENCIES);
  header.writeBigInt64LE(BigInt(process.pid), 0);
}

/** Count a task that starts; `sent`: when it was submitted, in ns, to keep its latency. */
export function started(sent) {
  if (file === undefined) claim();
  const at = now();
  if (sent !== undefined && latencies < MOST_LATENCIES) {
    const latency = Buffer.alloc(8);
    latency.writeBigInt64LE(at - BigInt(sent));
    fs.writeSync(file, latency, 0, 8, HEADER + 8 * latencies);
    latencies += 1;
  }
  count += 1n;
  first ||= at;
  header.writeBigInt64LE(count, 8);
  header.writeBigInt64LE(first, 16);
  header.writeBigInt64LE(at, LAST_AT);
  header.writeBigInt64LE(BigInt(latencies), 32);
  fs.writeSync(file, header, 0, HEADER, 0);
}

/** For tasks that take a while: the last moment is when they end. */
export function ended() {
  header.writeBigInt64LE(now(), LAST_AT);
  fs.writeSync(file, header, LAST_AT, 8, LAST_AT);
}
