// The stress: four threads work on one memory, and one of them is terminated every few milliseconds, swept by this
// thread, and replaced. At the end not one slot is lost.

import { BufferPools, SIZE_CLASSES } from '@millrace/core';
import {
  CACHED,
  FREE,
  LINE,
  SLAB_WORDS,
  controlLayout,
  slotRef,
  stateOf,
} from '@millrace/core/internal';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  EXCHANGE_WORDS,
  FAULTS,
  OPS,
  PATTERNS,
  SIGNALS,
  STOP,
  freePlaceOf,
  randomFrom,
} from './orders.mjs';

const THREADS = 4;
const SLABS = 24;
const SLAB_BYTES = 4 * 1024 * 1024;
const KILL_EVERY_MS = 50;

/**
 * Takes so many seconds, and longer if there have not been so many operations, and patterns checked, by then.
 *
 * @param {{ seconds: number, operations?: number, seed?: number }} options
 * @returns {Promise<{ ops: number, kills: number, swept: number, patterns: number, lost: number, faults: string[] }>}
 */
export async function stress({ seconds, operations = 0, seed = 1 }) {
  const main = BufferPools.create({ memory: SLABS * SLAB_BYTES }, 0);
  const signals = new Int32Array(new SharedArrayBuffer(SIGNALS * 4));
  const exchange = new Int32Array(new SharedArrayBuffer(EXCHANGE_WORDS * 4));
  const random = randomFrom(seed);
  const faults = [];
  let owner = 0;
  let kills = 0;
  let swept = 0;

  const start = () => {
    const thread = main.registry.register(++owner);
    const worker = new Worker(new URL('worker.mjs', import.meta.url), {
      workerData: { handle: main.handle, thread, seed: random(), signals, exchange },
      execArgv: [],
    });
    const started = { worker, thread, owner, works: false };
    worker.on('message', (fault) => {
      if (fault === undefined) started.works = true;
      else faults.push(fault);
    });
    worker.on('error', (error) => faults.push(String(error.stack)));
    return started;
  };
  const threads = Array.from({ length: THREADS }, start);

  /** Kills the thread in this place, sweeps it, and starts another in its place. */
  const replace = async (index) => {
    const { worker, thread, owner: itsOwner } = threads[index];
    await ended(worker);
    freePlaceOf(exchange, thread);
    swept += main.sweep(thread, itsOwner);
    kills++;
    threads[index] = start();
  };

  const dying = new Map();
  const endMs = performance.now() + seconds * 1000;
  const goesOn = () =>
    performance.now() < endMs ||
    signals[OPS] >>> 0 < operations ||
    signals[PATTERNS] >>> 0 < operations;
  for (
    let nextMs = performance.now() + KILL_EVERY_MS;
    goesOn() && faults.length < 10;
    nextMs += KILL_EVERY_MS
  ) {
    await sleep(Math.max(0, nextMs - performance.now()));
    // Who is terminated while it loads its modules keeps no slice, and Node leaves the files open that it reads.
    const alive = threads
      .map((_, index) => index)
      .filter((index) => threads[index].works && !dying.has(index));
    if (alive.length === 0) continue;
    const index = alive[random() % alive.length];
    dying.set(
      index,
      replace(index).finally(() => dying.delete(index)),
    );
  }
  await Promise.all(dying.values());

  Atomics.store(signals, STOP, 1);
  await Promise.all(
    threads.map(({ worker }) => (worker.threadId < 0 ? undefined : once(worker, 'exit'))),
  );
  // Those that have ended hold what lies in the exchange, and in their magazines.
  for (const thread of threads) swept += main.sweep(thread.thread, thread.owner);
  return {
    ops: signals[OPS] >>> 0,
    kills,
    swept,
    patterns: signals[PATTERNS] >>> 0,
    lost: audit(main, faults),
    faults: signals[FAULTS] > faults.length ? [...faults, `${signals[FAULTS]} faults`] : faults,
  };
}

/** Ends a thread, unless it has ended by itself, which is a fault that it has told of. */
async function ended(worker) {
  if (worker.threadId < 0) return;
  const exited = once(worker, 'exit').catch(() => undefined);
  await worker.terminate();
  await exited;
}

/** Goes by the words of all slots, then leases all there is; how many slots or slabs are lost. */
function audit(main, faults) {
  const words = new Int32Array(main.handle.control);
  const layout = controlLayout(SLABS, words[3], words[4]);
  let lost = 0;
  for (let slab = 0; slab < SLABS; slab++) {
    for (let slot = 0; slot < 1024; slot++) {
      const word = words[layout.slotsAt + slotRef(slab, slot) * LINE];
      const seats = words.subarray(layout.slotsAt + slotRef(slab, slot) * LINE + 4).subarray(0, 4);
      if (stateOf(word) !== FREE && stateOf(word) !== CACHED) {
        faults.push(
          `Slot ${slot} of slab ${slab} is left as ${word}, slab ${words[layout.slabsAt + slab * SLAB_WORDS]}`,
        );
        lost++;
      }
      if (seats.some((seat) => seat !== 0))
        faults.push(`A seat is left in slot ${slot} of slab ${slab}`);
    }
  }
  const { leased, returned, swept, live } = main.stats().slices;
  if (live !== 0 || leased !== returned + swept) faults.push(`${live} leases last`);
  const { alive, dead } = main.registry.stats();
  if (alive.length !== 1 || dead.length > 0) faults.push(`${dead.length} threads are not swept`);
  const slices = [];
  for (const bytes of SIZE_CLASSES.toReversed()) {
    for (;;) {
      const slice = main.tryAcquire(bytes);
      if (!slice) break;
      slices.push(slice);
    }
  }
  const had = slices.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (had !== SLABS * SLAB_BYTES) {
    faults.push(`${had} of ${SLABS * SLAB_BYTES} bytes can be leased`);
    lost++;
  }
  for (const slice of slices) slice.release();
  return lost;
}
