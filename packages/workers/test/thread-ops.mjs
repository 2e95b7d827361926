/** Ops about threads, for the tests. Workers import this file as it is; its types stand beside it. */
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { resourceLimits, threadId } from 'node:worker_threads';
import { defineOp } from '@millrace/workers';

const url = import.meta.url;
const kept = [];
let tasks = 0;

/** Where it runs, and how many tasks of these have run there. */
export const whereabouts = defineOp(url, 'whereabouts', {
  run: (_bytes, params) => ({
    threadId,
    tasks: ++tasks,
    name: process.platform === 'linux' ? readFileSync('/proc/thread-self/comm', 'utf8').trim() : '',
    nice: getPriority(),
    env: params?.variable === undefined ? undefined : process.env[params.variable],
    execArgv: process.execArgv,
    resourceLimits,
  }),
});

/** Keeps so many numbers on the heap for ever; says where. */
export const hoard = defineOp(url, 'hoard', {
  run(_bytes, { numbers }) {
    kept.push(Array.from({ length: numbers }, (_, i) => i + 0.5));
    return threadId;
  },
});

/** Says where it runs, one turn of the event loop later. */
export const whereLater = defineOp(url, 'whereLater', {
  async run() {
    await new Promise((resolve) => setImmediate(resolve));
    return threadId;
  },
});

/** Prints so many lines. */
export const print = defineOp(url, 'print', {
  run(_bytes, { lines }) {
    for (let i = 0; i < lines; i++) console.log(`line ${i}`);
  },
});

/** Comes to the gate, leases some slices, and then ends its thread in one of many ways. */
export const die = defineOp(url, 'die', {
  run(_bytes, { gate, how }, { buffers }) {
    Atomics.add(gate, 1, 1);
    for (const bytes of [10, 5000, 5000, 1e6]) buffers.acquire(bytes);
    return deaths[how]();
  },
});

const deaths = {
  'process.exit(0)': () => process.exit(0),
  'process.exit(1)': () => process.exit(1),
  'an error outside of it': () => {
    setTimeout(() => {
      throw new Error('thrown outside');
    });
    return new Promise(() => {});
  },
  'a rejection that nobody handles': () => {
    void Promise.reject(new Error('rejected, unhandled'));
    return new Promise(() => {});
  },
  'all of its heap used': () => {
    for (;;) kept.push(Array.from({ length: 1e5 }, (_, i) => i + 0.5));
  },
  'a loop without end': () => {
    for (;;);
  },
};
