/** Ending a mill's threads, and waiting until they have been replaced. */
import type { Mill } from '@millrace/workers';
import { workersOf } from '@millrace/workers/internal';
import { expect } from 'vitest';
import { until } from './until.ts';

/** Ends every thread at once. */
export async function killAll(mill: Mill): Promise<void> {
  await Promise.all(workersOf(mill).map((worker) => worker.terminate()));
}

/** Ends one thread; `which` need not be in range. */
export async function killOne(mill: Mill, which = 0): Promise<void> {
  const workers = workersOf(mill);
  await workers[which % Math.max(1, workers.length)]?.terminate();
}

/** Resolves once the mill has all its threads. */
export async function whole(mill: Mill, threads: number): Promise<void> {
  await until(() => mill.stats().threads.length === threads);
}

/** Expects that nothing is in flight, nothing is leased, and every id but those of the living is free. */
export function expectSound(mill: Mill, threads: number): void {
  const { tasks, slices } = mill.stats();
  expect({ inFlight: tasks.inFlight, live: slices.live }).toEqual({ inFlight: 0, live: 0 });
  const { alive, dead } = mill.buffers.registry.stats();
  expect(dead).toEqual([]);
  // The main thread has one too.
  expect(alive).toHaveLength(threads + 1);
}
