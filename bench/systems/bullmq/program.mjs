// BullMQ over Redis.
import { createRequire } from 'node:module';
import { main } from '../../lib/commands.mjs';
import { PAYLOAD, ended, now, started } from '../../lib/tick.mjs';

const require = createRequire(`${process.env.BENCH_ENVIRONMENT}/`);
const { FlowProducer, Queue, Worker } = require('bullmq');
const { hostname: host, port } = new URL(process.env.BENCH_REDIS_URL);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const BATCH = 500;

const handlers = {
  noop: ({ data }) => { started(); return data.number; },
  latency: ({ data }) => { started(data.number); return 0; },
  io: async ({ data }) => {
    started();
    await new Promise(done => setTimeout(done, 50));
    ended();
    return data.number;
  },
  mixed: ({ data, attemptsMade }) => {
    if (data.number % 10 === 0 && attemptsMade === 0) throw new Error('fails the first time');
    started();
    return data.number;
  },
};

function job(kind, number) {
  const data = { number, payload: PAYLOAD };
  if (kind !== 'mixed') return { name: kind, data };
  return { name: kind, data, opts: { priority: 3 - number % 3, delay: number % 10 === 5 ? 1000 : 0, attempts: 2 } };
}

let queue;
const open = () => (queue ??= new Queue('bench', { connection }));

await main({
  one: (kind, number) => { const { name, data, opts } = job(kind, number); return open().add(name, data, opts); },
  many: async (kind, numbers) => {
    for (let start = 0; start < numbers.length; start += BATCH) {
      await open().addBulk(numbers.slice(start, start + BATCH).map(number => job(kind, number)));
    }
  },
  fan: async numbers => {
    const sent = now().toString(), flows = new FlowProducer({ connection });
    const child = number => ({ queueName: 'bench', ...job('noop', number) });
    await flows.add({ queueName: 'bench', ...job('latency', sent), children: numbers.map(child) });
    await flows.close();
  },
  worker: concurrency => {
    const worker = new Worker('bench', task => handlers[task.name](task), { connection, concurrency: Number(concurrency) });
    worker.on('error', console.error);
    process.on('SIGTERM', () => process.exit(0));
  },
  close: () => queue?.close(),
});
