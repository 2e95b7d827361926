/** Fills a mill's memory, lets the mill rest, and prints how much of it stays resident, in MiB, as it goes back. */
import { createMill } from '@millrace/workers';
import { invert } from './ops.mjs';

const MiB = 2 ** 20;
const resident = () => Math.round(process.memoryUsage.rss() / MiB);

/** Not in the frame of this module, which lasts while it waits, and would keep the slices. */
async function use() {
  const slices = Array.from({ length: 48 }, () => mill.buffers.acquire(4 * MiB));
  // Every thread has had views of every arena.
  for (const slice of slices) for (let i = 0; i < 2; i++) await mill.run(invert, slice);
  const full = resident();
  for (const slice of slices) slice.release();
  return full;
}

const mill = await createMill({
  threads: 2,
  memory: 192 * MiB,
  memoryManager: { sampleEveryMs: 10, bufferLifetimeMs: 100 },
});
// Node tidies up after its own start; what that frees must not count.
for (let i = 0; i < 20; i++) await mill.run(invert, new Uint8Array(4096));
const before = resident();
const full = await use();
const deadlineMs = performance.now() + 20_000;
while (resident() > before + 40 && performance.now() < deadlineMs) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
console.log(
  JSON.stringify({
    before,
    full,
    after: resident(),
    open: mill.buffers.openBytes,
    deaths: mill.stats().deaths,
  }),
);
await mill.close();
