import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BufferManager, BufferPools, type BufferManagerConfig } from '@millrace/core';
import {
  BufferSimulator,
  TraceRecorder,
  burstyTrace,
  diurnalTrace,
  readTrace,
  steadyTrace,
  type TraceEvent,
} from '@millrace/observe';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drive } from './drive.ts';

const KiB = 1024;
const MEMORY = 256 * KiB * KiB;
const OWNER = 0;

const LOAD = { durationMs: 1000, ratePerSecond: 3000, meanHeldMs: 8, seed: 6 };
const LOADS = {
  steady: () => steadyTrace(LOAD),
  bursty: () => burstyTrace({ ...LOAD, burstMs: 40, quietMs: 60, burstFactor: 20 }),
  diurnal: () => diurnalTrace({ ...LOAD, dayMs: 400 }),
};

/** Upkeep comes often, so that the pools shrink, within a second. */
const RECORDED: BufferManagerConfig = { monitoringIntervalMs: 20 };
const CONFIGS: Record<string, BufferManagerConfig> = {
  'as it was recorded': RECORDED,
  'hardly any stock': { ...RECORDED, allocationStrategy: 'pooled', maxPoolSize: 2 },
  'a stock beforehand, that does not grow': {
    ...RECORDED,
    defaultPoolSize: 8,
    pools: { small: { growthFactor: 1, maxSize: 20 }, medium: { growthFactor: 3 } },
  },
  'other sizes, and much of it direct': {
    ...RECORDED,
    bufferSizes: { small: 1 * KiB, medium: 16 * KiB, large: 128 * KiB, huge: 512 * KiB },
    poolThreshold: 20 * KiB,
  },
};

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-fidelity-'));
});
afterAll(() => rm(dir, { recursive: true }));

function realManager(config: BufferManagerConfig): BufferManager {
  return new BufferManager(BufferPools.create({ memory: MEMORY }, OWNER), config);
}

async function record(load: Iterable<TraceEvent>): Promise<TraceEvent[]> {
  const path = join(dir, `${Math.random()}.trace`);
  await using recorder = await TraceRecorder.open(path);
  const manager = realManager(RECORDED);
  manager.onEvent((event) => recorder.collectEvent(event));
  await drive(manager, load);
  await recorder.close();
  expect(recorder.dropped).toBe(0);
  return readTrace(path);
}

describe.each(Object.entries(LOADS))('a %s load, recorded', (_, load) => {
  let recorded: TraceEvent[];
  beforeAll(async () => {
    recorded = await record(load());
  });

  test.each(Object.entries(CONFIGS))(
    'comes to the same hit rate and peak memory in a simulation as in real pools: %s',
    async (__, config) => {
      const manager = realManager(config);
      await drive(manager, recorded);
      const { hitRate, peakMemoryUsage } = manager.metrics();
      const simulated = await new BufferSimulator({ memoryBytes: MEMORY }).run(recorded, config);
      expect(simulated.gets).toBeGreaterThan(1000);
      expect(Math.abs(simulated.hitRate / hitRate - 1)).toBeLessThanOrEqual(0.05);
      expect(Math.abs(simulated.peakMemory / peakMemoryUsage - 1)).toBeLessThanOrEqual(0.05);
    },
  );
});
