// What commands.py does, for programs on Node: `one(kind, number)`, `many(kind, numbers)` and `fan(numbers)` submit.
import { now } from './tick.mjs';

const WARM = 200;
const pause = ms => new Promise(done => setTimeout(done, ms));
const range = (from, to, step = 1) => Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

async function measured(count, submit) {
  await submit('noop', range(0, WARM));
  const began = performance.now(), cpu = process.cpuUsage();
  await submit('noop', range(0, count));
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ n: count, secs: (performance.now() - began) / 1e3, cpu_s: (user + system) / 1e6 }));
}

export async function main({ one, many, fan, worker, close }) {
  const [command, ...words] = process.argv.slice(2);
  if (command === 'worker') return worker(...words);
  const single = async (kind, numbers) => { for (const number of numbers) await one(kind, number); };
  const count = Number(command === 'prefill' ? words[1] : words[0]);
  if (command === 'prefill') await many(words[0], range(0, count));
  else if (command === 'fan') await fan(range(0, count));
  else if (command === 'single') await measured(count, single);
  else if (command === 'bulk') await measured(count, many);
  else if (command === 'concurrent') {
    const callers = Number(words[1]);
    await measured(count, (kind, numbers) => Promise.all(range(0, callers).map(
      caller => single(kind, numbers.filter((_, place) => place % callers === caller)))));
  } else if (command === 'latency') {
    const began = performance.now(), intervalMs = 1e3 * Number(words[1]);
    for (const number of range(0, count)) {
      await pause(Math.max(0, began + number * intervalMs - performance.now()));
      await one('latency', now().toString());
    }
  } else if (command !== 'setup') throw new Error(`no such command: ${command}`);
  return close();
}
