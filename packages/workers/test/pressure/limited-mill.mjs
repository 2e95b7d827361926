/** A mill in a process whose memory is limited from outside, and nearly full: it works on, and recovers. */
import { createMill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { invert } from '../ops.mjs';

const MiB = 2 ** 20;
const [from, to] = process.argv.slice(2);

const mill = await createMill({
  threads: 2,
  memory: 512 * MiB,
  memoryManager: { sampleEveryMs: 20, bufferLifetimeMs: 500 },
});
const levels = [];
mill.memory.onPressure(({ pressure }) => levels.push(pressure));

const held = [];
/** What holds slices stands in functions: the frame of this module lasts while it waits, and so would they. */
function hold() {
  while (mill.memory.sample() !== 'critical') {
    const slice = mill.buffers.acquire(4 * MiB);
    slice.bytes.fill(held.length);
    held.push(slice);
  }
  return held.length * 4 * MiB;
}

/** How many were not inverted. */
function letGo() {
  const spoiled = held.filter(({ bytes }, i) => bytes[0] !== 255 - i).length;
  for (const slice of held.splice(0)) slice.release();
  return spoiled;
}

const heldBytes = hold();
await mill.pump({ from, op: gzip, params: { level: 1 }, to });
await Promise.all(held.map((slice) => mill.run(invert, slice)));
const spoiled = letGo();
const deadlineMs = performance.now() + 10_000;
while (mill.memory.pressure !== 'normal' && performance.now() < deadlineMs) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
const { deaths, slices } = mill.stats();
const { live } = slices;
console.log(JSON.stringify({ levels, heldBytes, spoiled, deaths, live }));
await mill.close();
