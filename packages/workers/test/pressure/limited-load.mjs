/**
 * A mixed load in a process whose memory is limited from outside: at first with room, then while slices are held
 * until memory is short, until it is very short, and after they were released. Prints what came of it.
 */
import { AdaptiveBufferPool, BufferPools, MemoryManager } from '@millrace/core';
import { MemoryWatch, memoryProbes } from '@millrace/workers/internal';
import { MixedLoad } from './mixed-load.mjs';

const MiB = 2 ** 20;
const PHASE = 25_000;

const pools = BufferPools.create({ memory: 1024 * MiB }, 0, { onRenewal: () => {} });
const memory = new MemoryManager(pools, { sampleEveryMs: 20 }, memoryProbes());
const watch = new MemoryWatch(memory, () => true);
watch.used();
const levels = [];
memory.onPressure(({ pressure }) => levels.push(pressure));
const pool = new AdaptiveBufferPool(pools, { acquireTimeoutMs: 50 }, { memory });
const load = new MixedLoad(pool);

const held = [];
/**
 * Fills slices until the pressure is `level`. What holds slices stands in functions: the frame of this module
 * lasts while it waits, and so would they.
 */
function holdUntil(level) {
  while (memory.sample() !== level && memory.pressure !== 'critical') {
    const slice = pools.acquire(MiB);
    slice.bytes.fill(held.length);
    held.push(slice);
  }
}

/** How many were written to by others. */
function letGo() {
  const spoiled = held.filter(({ bytes }, i) => bytes[0] !== i % 256 || bytes[MiB - 1] !== i % 256);
  for (const slice of held.splice(0)) slice.release();
  return spoiled.length;
}

await load.run(PHASE);
holdUntil('elevated');
await load.run(PHASE);
holdUntil('critical');
await load.run(PHASE);
const heldBytes = held.length * MiB;
const spoiled = letGo();
const deadlineMs = performance.now() + 10_000;
while (memory.pressure !== 'normal' && performance.now() < deadlineMs) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await load.run(PHASE);
const { done } = load;
// With memory enough, until all is well again.
while (pool.stats().degraded && performance.now() < deadlineMs + 10_000) await load.run(100);

const { degradations, recoveries, degraded, activeBuffers } = pool.stats();
const { wrong } = load;
console.log(
  JSON.stringify({
    limitBytes: memory.usage().readings.find(({ source }) => source !== 'pools').limitBytes,
    heldBytes,
    levels,
    spoiled,
    done,
    wrong,
    degradations,
    recoveries,
    degraded,
    activeBuffers,
    live: pools.stats().slices.live,
    pressure: memory.pressure,
    relieved: memory.usage().relieved,
  }),
);
watch.stop();
