/** Prints what part of a core a mill uses that has worked and is idle now. */
import { createMill } from '@millrace/workers';
import { later, sum } from './ops.mjs';

const MEASURE_MS = 2000;

const mill = await createMill({ threads: 4 });
for (let i = 0; i < 100; i++) {
  await mill.run(sum, new Uint8Array([i]));
  await mill.run(later, new Uint8Array([i]));
}
// The engine tidies up for a moment after the work.
await new Promise((resolve) => setTimeout(resolve, 500));
const before = process.cpuUsage();
const began = performance.now();
await new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000 / (performance.now() - began));
await mill.close();
