/** The memory manager: levels, listeners, relief by steps, lifetimes, and what is taken beforehand. */
import {
  MemoryManager,
  MillraceError,
  type BufferPools,
  type MemoryManagerConfig,
  type MemoryReading,
  type PressureChange,
  type Relief,
  type ReliefStep,
  type Slice,
} from '@millrace/core';
import {
  Arena,
  CACHED,
  DRAINING,
  EMPTY,
  OPEN,
  slabOf,
  stateOf,
  type SlabTable,
} from '@millrace/core/internal';
import { expect, onTestFinished, test, vi } from 'vitest';
import { TICK, TICK_MS } from '../../dist/memory/layout.js';
import { expectSound, slabStates, slotsOf } from '../audit.ts';
import { createTable, join } from '../memory.ts';
import { codeOf } from '../thrown.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const SLAB_BYTES = 4 * MiB;

interface Scene {
  readonly table: SlabTable;
  readonly pools: BufferPools;
  readonly manager: MemoryManager;
  /** What the probe says. */
  readonly reading: { usedBytes: number; limitBytes: number; stalledPercent?: number };
  readonly changes: PressureChange[];
}

/** Memory of `slabs` slabs, whose manager has a probe that says what the test wants. */
function scene(slabs: number, config: MemoryManagerConfig = {}): Scene {
  const table = createTable(slabs);
  const pools = join(table, { onRenewal: () => {} });
  const reading = { usedBytes: 0, limitBytes: 1000 * MiB };
  const manager = new MemoryManager(pools, config, [() => ({ source: 'probe', ...reading })]);
  const changes: PressureChange[] = [];
  manager.onPressure((change) => void changes.push(change));
  return { table, pools, manager, reading, changes };
}

/** Lets time pass, as the memory knows it. */
function pass(table: SlabTable, ms: number): void {
  Atomics.add(table.words, TICK, ms / TICK_MS);
}

function lease(pools: BufferPools, count: number, bytes: number): Slice[] {
  return Array.from({ length: count }, () => pools.acquire(bytes));
}

function releaseAll(slices: Slice[]): void {
  for (const slice of slices.splice(0)) slice.release();
}

/** All steps of a relief: a slow machine may need several. */
function whole(relieve: () => ReliefStep): Relief {
  const total = { slabs: 0, arenas: 0 };
  for (;;) {
    const { slabs, arenas, more } = relieve();
    total.slabs += slabs;
    total.arenas += arenas;
    if (!more) return total;
  }
}

test('pressure follows how much of the pools is lent', () => {
  const { pools, manager, changes } = scene(10);
  const slices = lease(pools, 31, MiB);
  expect(manager.sample()).toBe('normal');
  slices.push(...lease(pools, 1, MiB));
  expect(manager.sample()).toBe('elevated');
  slices.push(...lease(pools, 6, MiB));
  expect(manager.sample()).toBe('critical');
  releaseAll(slices);
  expect(manager.sample()).toBe('normal');
  expect(changes.map(({ before, pressure }) => [before, pressure])).toEqual([
    ['normal', 'elevated'],
    ['elevated', 'critical'],
    ['critical', 'normal'],
  ]);
  expect(manager.usage().entered).toEqual({ normal: 1, elevated: 1, critical: 1 });
});

test('what is lent is counted by size class and in runs, and what lies in magazines is not', () => {
  const { table, pools, manager } = scene(16);
  const others = join(table);
  expect(manager.currentMemoryUsage).toBe(0);
  const slices = [
    ...[1, 5 * KiB, 20 * KiB, 64 * KiB, 100 * KiB, 200 * KiB].map((bytes) => pools.acquire(bytes)),
    others.acquire(MiB),
    others.acquire(3 * MiB),
    pools.acquire(9 * MiB),
  ];
  const bytes = [4, 16, 32, 64, 128, 256].reduce((sum, size) => sum + size * KiB, 0);
  expect(manager.currentMemoryUsage).toBe(bytes + MiB + SLAB_BYTES + 3 * SLAB_BYTES);
  const [first] = slices;
  releaseAll(slices);
  expect(manager.currentMemoryUsage).toBe(0);
  // What another takes out of our magazine is lent, though our magazine still tells of it.
  const all: Slice[] = [];
  for (let s = others.tryAcquire(1); s; s = others.tryAcquire(1)) all.push(s);
  expect(all.some(({ ref }) => ref === first!.ref)).toBe(true);
  expect(manager.currentMemoryUsage).toBe(all.length * 4 * KiB);
  releaseAll(all);
  expect(manager.currentMemoryUsage).toBe(0);
  expectSound(table, []);
});

test('pressure is the worst of what pools and probes say, and names who said so first', () => {
  const { pools, manager, reading, changes } = scene(10);
  reading.usedBytes = 960 * MiB;
  expect(manager.sample()).toBe('critical');
  expect(changes[0]!.readings.map(({ source }) => source)).toEqual(['probe', 'pools']);
  const slices = lease(pools, 33, MiB);
  reading.usedBytes = 10 * MiB;
  expect(manager.sample()).toBe('elevated');
  expect(changes[1]!.readings.map(({ source }) => source)).toEqual(['pools', 'probe']);
  releaseAll(slices);
  expect(manager.sample()).toBe('normal');
  expect(changes).toHaveLength(3);
});

test('a source does not hold up a level that another had entered', () => {
  const { pools, manager, reading } = scene(10);
  reading.usedBytes = 810 * MiB;
  expect(manager.sample()).toBe('elevated');
  // 75 % would hold a level that was entered, but the pools never entered one.
  lease(pools, 30, MiB);
  reading.usedBytes = 100 * MiB;
  expect(manager.sample()).toBe('normal');
});

test.each<[string, () => MemoryReading | undefined]>([
  ['has nothing to say', () => undefined],
  [
    'throws',
    () => {
      throw new Error('it cannot be read');
    },
  ],
  ['knows no limit', () => ({ source: 'probe', usedBytes: 1e12, limitBytes: Infinity })],
  ['says what is no number', () => ({ source: 'probe', usedBytes: NaN, limitBytes: NaN })],
  ['says that nothing is allowed', () => ({ source: 'probe', usedBytes: 0, limitBytes: 0 })],
])('a probe that %s changes nothing', (_, probe) => {
  const manager = new MemoryManager(join(createTable(1)), {}, [probe]);
  expect(manager.sample()).toBe('normal');
  manager.requireMemory(MiB, 'chunkSize');
});

test('a source that falls silent lets go of its level', () => {
  let silent = false;
  const probe = () => (silent ? undefined : { source: 'p', usedBytes: 99, limitBytes: 100 });
  const manager = new MemoryManager(join(createTable(1)), {}, [probe]);
  expect(manager.sample()).toBe('critical');
  silent = true;
  expect(manager.sample()).toBe('normal');
});

test('a listener is told once for every change, until it wants no more, and one that throws harms nobody', () => {
  const { manager, reading, changes } = scene(1);
  const wrong = vi.spyOn(console, 'error').mockImplementation(() => {});
  const fault = new Error('a listener of no use');
  manager.onPressure(() => {
    throw fault;
  });
  const told: string[] = [];
  const end = manager.onPressure(({ pressure }) => void told.push(pressure));
  for (const usedBytes of [900, 910, 990, 990, 0]) {
    reading.usedBytes = usedBytes * MiB;
    manager.sample();
  }
  expect(told).toEqual(['elevated', 'critical', 'normal']);
  expect(changes).toHaveLength(3);
  expect(wrong.mock.calls).toEqual([[fault], [fault], [fault]]);
  end();
  reading.usedBytes = 999 * MiB;
  manager.sample();
  expect(told).toHaveLength(3);
  expect(changes).toHaveLength(4);
  wrong.mockRestore();
});

/** How many slots lie in magazines. */
function cachedSlots(table: SlabTable): number {
  return slotsOf(table).filter(({ word }) => stateOf(word) === CACHED).length;
}

test('under elevated pressure each relief goes a step further: magazines, idle slabs, idle arenas', () => {
  const { table, pools, manager, reading } = scene(18);
  releaseAll([...lease(pools, 17, SLAB_BYTES), ...lease(pools, 10, 4 * KiB)]);
  const kept = pools.acquire(MiB);
  reading.usedBytes = 800 * MiB;
  manager.sample();
  expect(cachedSlots(table)).toBeGreaterThan(0);
  expect(whole(() => manager.relieve())).toEqual({ slabs: 0, arenas: 0 });
  expect(cachedSlots(table)).toBe(0);
  const open = slabStates(table).filter((state) => state === OPEN).length;
  expect(whole(() => manager.relieve())).toEqual({ slabs: open - 1, arenas: 0 });
  expect(pools.openBytes).toBe(18 * SLAB_BYTES);
  expect(whole(() => manager.relieve())).toEqual({ slabs: 0, arenas: 1 });
  expect(pools.openBytes).toBe(slabOf(kept.ref) < 16 ? 16 * SLAB_BYTES : 2 * SLAB_BYTES);
  kept.release();
  expect(
    whole(() => manager.relieve()),
    'from then on it takes all steps',
  ).toEqual({ slabs: 1, arenas: 1 });
  expect(pools.openBytes).toBe(0);
  expect(manager.usage().relieved).toEqual({ slabs: open, arenas: 2 });
  expectSound(table, []);
});

test('under critical pressure a relief takes all steps at once, and after it the first comes first', () => {
  const { table, pools, manager, reading } = scene(1);
  pools.acquire(4 * KiB).release();
  reading.usedBytes = 990 * MiB;
  manager.sample();
  expect(whole(() => manager.relieve())).toEqual({ slabs: 1, arenas: 1 });
  reading.usedBytes = 0;
  manager.sample();
  whole(() => manager.relieve());
  pools.acquire(4 * KiB).release();
  reading.usedBytes = 810 * MiB;
  manager.sample();
  expect(whole(() => manager.relieve())).toEqual({ slabs: 0, arenas: 0 });
  expect(slabStates(table)).toEqual([OPEN]);
});

/** How often the garbage collector was called: by a buffer that is large enough for it to count. */
function collectorCalls(): () => number {
  const made: number[] = [];
  class Counted extends ArrayBuffer {
    constructor(bytes: number) {
      super(bytes);
      made.push(bytes);
    }
  }
  vi.stubGlobal('ArrayBuffer', Counted);
  onTestFinished(() => void vi.unstubAllGlobals());
  return () => made.splice(0).filter((bytes) => bytes > 64 * MiB).length;
}

test('under critical pressure the garbage collector is called, and then now and then', () => {
  const { manager, reading } = scene(1);
  const calls = collectorCalls();
  const callsIn = (reliefs: number): number => {
    for (let i = 0; i < reliefs; i++) manager.relieve();
    return calls();
  };
  reading.usedBytes = 900 * MiB;
  manager.sample();
  expect(callsIn(20), 'not while it is elevated').toBe(0);
  reading.usedBytes = 990 * MiB;
  manager.sample();
  expect(callsIn(1)).toBe(1);
  expect(callsIn(7)).toBe(0);
  expect(callsIn(16)).toBe(2);
});

test('the garbage collector is called when arenas were dropped, once for all of them', () => {
  const { pools, manager } = scene(40);
  const calls = collectorCalls();
  whole(() => manager.rest());
  expect(calls(), 'there was none').toBe(0);
  releaseAll(lease(pools, 40, SLAB_BYTES));
  expect(whole(() => manager.rest()).arenas).toBe(3);
  expect(calls()).toBe(1);
});

test('where there is nothing to drop no arena is looked at, which would keep others alive', () => {
  const { pools, manager, reading } = scene(40);
  releaseAll(lease(pools, 20, SLAB_BYTES));
  reading.usedBytes = 990 * MiB;
  manager.sample();
  expect(whole(() => manager.relieve()).arenas).toBe(2);
  const grown = vi.spyOn(WebAssembly.Memory.prototype, 'grow');
  onTestFinished(() => grown.mockRestore());
  for (let i = 0; i < 20; i++) whole(() => manager.relieve());
  expect(grown).not.toHaveBeenCalled();
  pools.acquire(MiB).release();
  expect(whole(() => manager.relieve()).arenas, 'one that was used again').toBe(1);
});

test('an arena that another thread has used is dropped, though this one never looked at it', () => {
  const { table, pools, manager } = scene(2);
  const others = join(table);
  others.acquire(MiB).release();
  expect(whole(() => manager.rest())).toEqual({ slabs: 1, arenas: 1 });
  expect(pools.openBytes).toBe(0);
});

test('a relief leaves what is lent, and what others keep in their magazines is idle', () => {
  const { table, pools, manager, reading } = scene(2);
  const others = join(table);
  const slice = pools.acquire(MiB);
  slice.bytes[MiB - 1] = 7;
  releaseAll(lease(others, 5, 4 * KiB));
  expect(cachedSlots(table)).toBeGreaterThan(0);
  reading.usedBytes = 990 * MiB;
  manager.sample();
  expect(whole(() => manager.relieve())).toEqual({ slabs: 1, arenas: 0 });
  expect(slice.bytes[MiB - 1]).toBe(7);
  const next = others.acquire(4 * KiB);
  expectSound(table, [slice.ref, next.ref]);
});

test('at normal pressure a slab is kept for its lifetime after its last use, and an arena after that', () => {
  const { table, pools, manager } = scene(17, { bufferLifetimeMs: 1000, sampleEveryMs: 250 });
  const nothing = { slabs: 0, arenas: 0 };
  pools.acquire(SLAB_BYTES).release();
  expect(
    whole(() => manager.relieve()),
    'first seen idle',
  ).toEqual(nothing);
  pass(table, 900);
  expect(whole(() => manager.relieve())).toEqual(nothing);
  pools.acquire(SLAB_BYTES).release();
  pass(table, 900);
  expect(
    whole(() => manager.relieve()),
    'it was in use since',
  ).toEqual(nothing);
  pass(table, 990);
  expect(whole(() => manager.relieve())).toEqual(nothing);
  pass(table, 10);
  expect(whole(() => manager.relieve())).toEqual({ slabs: 1, arenas: 0 });
  expect(slabStates(table)[0]).toBe(EMPTY);
  pass(table, 990);
  expect(whole(() => manager.relieve())).toEqual(nothing);
  pass(table, 10);
  expect(whole(() => manager.relieve())).toEqual({ slabs: 0, arenas: 1 });
  expect(pools.openBytes).toBe(0);
});

test('an arena is not dropped between two uses of a large slice', () => {
  const { table, pools, manager } = scene(16, { bufferLifetimeMs: 1000, sampleEveryMs: 250 });
  for (let second = 0; second < 10; second++) {
    pools.acquire(9 * MiB).release();
    pass(table, 800);
    expect(whole(() => manager.relieve())).toEqual({ slabs: 0, arenas: 0 });
  }
  pass(table, 1000);
  expect(whole(() => manager.relieve()).arenas).toBe(1);
});

test('idle slabs are looked for four times in their lifetime, however often memory is sampled', () => {
  const { table, pools, manager } = scene(1, { bufferLifetimeMs: 10_000, sampleEveryMs: 250 });
  const shrink = vi.spyOn(pools, 'shrink');
  for (let i = 0; i < 40; i++) {
    pass(table, 250);
    whole(() => manager.relieve());
  }
  expect(shrink).toHaveBeenCalledTimes(4);
});

test('a class keeps as many idle slabs as its shrink threshold says, however long they are idle', () => {
  const { table, pools, manager } = scene(8, { bufferLifetimeMs: 100 });
  const slices = lease(pools, 32, MiB);
  const kept = slices.splice(0, 8);
  releaseAll(slices);
  whole(() => manager.relieve());
  pass(table, 1000);
  expect(whole(() => manager.relieve())).toEqual({ slabs: 4, arenas: 0 });
  expectSound(
    table,
    kept.map(({ ref }) => ref),
  );
});

test('a slab that is older than it may be is lent no more, whatever the pools say of age', () => {
  const { table, pools, manager } = scene(2, { maxBufferAgeMs: 500 });
  const slice = pools.acquire(MiB);
  pass(table, 600);
  expect(whole(() => manager.relieve())).toEqual({ slabs: 0, arenas: 0 });
  expect(slabStates(table)).toEqual([DRAINING, EMPTY]);
  slice.release();
  expect(whole(() => manager.relieve())).toEqual({ slabs: 1, arenas: 0 });
});

test('a relief of much goes in steps, which together give all back that is idle', () => {
  const { table, pools, manager, reading } = scene(40);
  const slices = lease(pools, 40, SLAB_BYTES);
  const kept = slices.splice(20, 1);
  releaseAll(slices);
  reading.usedBytes = 990 * MiB;
  manager.sample();
  let nowMs = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 1));
  const steps: ReliefStep[] = [];
  do steps.push(manager.relieve());
  while (steps.at(-1)!.more);
  clock.mockRestore();
  expect(steps.map(({ slabs }) => slabs).filter((slabs) => slabs > 1)).toEqual([]);
  expect(steps.reduce((sum, { slabs }) => sum + slabs, 0)).toBe(39);
  expect(steps.reduce((sum, { arenas }) => sum + arenas, 0)).toBe(2);
  expect(manager.usage().relieved).toEqual({ slabs: 39, arenas: 2 });
  expectSound(
    table,
    kept.map(({ ref }) => ref),
  );
});

test('an idle arena for which no fresh one can be had stays, and its slabs serve on', () => {
  const { table, pools, manager } = scene(1);
  pools.acquire(MiB).release();
  const refused = vi.spyOn(Arena, 'create').mockImplementation(() => {
    throw new MillraceError('ERR_ARENA_UNAVAILABLE', 'There is no address space left');
  });
  expect(whole(() => manager.rest())).toEqual({ slabs: 1, arenas: 0 });
  refused.mockRestore();
  expect(slabStates(table)).toEqual([EMPTY]);
  pools.acquire(MiB).release();
  expect(whole(() => manager.rest())).toEqual({ slabs: 1, arenas: 1 });
});

test('without an age of its own the manager goes by that of the pools', () => {
  const table = createTable(2, { maxAgeMs: 500 });
  const pools = join(table);
  const manager = new MemoryManager(pools);
  const slice = pools.acquire(MiB);
  pass(table, 600);
  whole(() => manager.relieve());
  expect(slabStates(table)).toEqual([DRAINING, EMPTY]);
  slice.release();
});

test('at rest all goes back that is idle, at once', () => {
  const { table, pools, manager } = scene(2);
  releaseAll([...lease(pools, 3, MiB), ...lease(pools, 3, 4 * KiB)]);
  expect(whole(() => manager.rest())).toEqual({ slabs: 2, arenas: 1 });
  expect(pools.openBytes).toBe(0);
  expectSound(table, []);
});

function prepareAll(manager: MemoryManager): void {
  while (manager.prepare()) {
    // Until nothing is left to do.
  }
}

test('on demand nothing is taken before it is needed', () => {
  const { table, pools, manager } = scene(9);
  expect(manager.prepare()).toBe(false);
  expect(slabStates(table)).toEqual(Array(9).fill(EMPTY));
  expect(pools.openBytes).toBe(0);
});

test('pre-allocated memory has a slab for each class and all pages, and keeps them at normal pressure', () => {
  const { table, pools, manager, reading } = scene(9, { allocationStrategy: 'pre-allocate' });
  const early = pools.acquire(MiB);
  early.bytes.fill(5);
  prepareAll(manager);
  expect(manager.usage().preallocatedBytes).toBe(9 * SLAB_BYTES);
  expect(pools.openBytes).toBe(9 * SLAB_BYTES);
  expect(slabStates(table)).toEqual([...Array<number>(8).fill(OPEN), EMPTY]);
  const classes = Array.from({ length: 8 }, (_, slab) => table.classOf(slab));
  expect(new Set(classes)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]));
  expect(
    early.bytes.every((byte) => byte === 5),
    'what was lent is as it was',
  ).toBe(true);
  early.release();
  pass(table, 1e6);
  expect(whole(() => manager.relieve())).toEqual({ slabs: 0, arenas: 0 });
  expect(whole(() => manager.rest())).toEqual({ slabs: 0, arenas: 0 });
  expect(pools.openBytes).toBe(9 * SLAB_BYTES);
  reading.usedBytes = 990 * MiB;
  manager.sample();
  expect(whole(() => manager.relieve())).toEqual({ slabs: 8, arenas: 1 });
  expectSound(table, []);
});

test('the hybrid strategy takes the small classes alone, and keeps a slab of each', () => {
  const { table, pools, manager } = scene(9, {
    allocationStrategy: 'hybrid',
    bufferLifetimeMs: 10,
  });
  prepareAll(manager);
  expect(manager.usage().preallocatedBytes).toBe(3 * SLAB_BYTES);
  expect(pools.openBytes).toBe(3 * SLAB_BYTES);
  releaseAll([...lease(pools, 2, MiB), ...lease(pools, 300, 16 * KiB)]);
  const small = () => slabStates(table).map((_, slab) => table.classOf(slab) ?? -1);
  expect(small()).toEqual([0, 1, 2, 6, 1, -1, -1, -1, -1]);
  whole(() => manager.relieve());
  pass(table, 1e6);
  expect(whole(() => manager.relieve()).slabs).toBe(2);
  expect(small()).toEqual([0, 1, 2, -1, -1, -1, -1, -1, -1]);
  expect(whole(() => manager.rest())).toEqual({ slabs: 0, arenas: 0 });
});

test('a memory with less slabs than classes is pre-allocated all the same, and serves every class', () => {
  const { table, pools, manager } = scene(1, { allocationStrategy: 'pre-allocate' });
  prepareAll(manager);
  expect(manager.usage().preallocatedBytes).toBe(SLAB_BYTES);
  for (const bytes of [1, 5 * KiB, MiB, SLAB_BYTES]) pools.acquire(bytes).release();
  expectSound(table, []);
});

test('preparing goes in many steps, and ends when memory is short', () => {
  const { manager, reading } = scene(32, { allocationStrategy: 'pre-allocate' });
  for (let i = 0; i < 5; i++) expect(manager.prepare()).toBe(true);
  const { preallocatedBytes } = manager.usage();
  expect(preallocatedBytes).toBeLessThan(32 * SLAB_BYTES);
  reading.usedBytes = 900 * MiB;
  manager.sample();
  expect(manager.prepare()).toBe(false);
  expect(manager.usage().preallocatedBytes).toBe(preallocatedBytes);
});

test('memory that is not there is not pre-allocated: the error names the setting and both figures', () => {
  const probe = () => ({ source: 'process', usedBytes: 3 * MiB, limitBytes: 10 * MiB });
  const make = () =>
    new MemoryManager(join(createTable(2)), { allocationStrategy: 'pre-allocate' }, [probe]);
  expect(codeOf(make)).toBe('ERR_OUT_OF_MEMORY');
  expect(make).toThrow(
    `Cannot take the ${2 * SLAB_BYTES} bytes that "allocationStrategy" asks for as ${7 * MiB} bytes are left of the ${10 * MiB} of the process; change "allocationStrategy" or lower "memory"`,
  );
});

test('memory beside the pools is there up to the last byte that a probe says is left', () => {
  const { manager, reading } = scene(1);
  reading.usedBytes = 400 * MiB;
  manager.requireMemory(600 * MiB, 'chunkSize');
  expect(codeOf(() => manager.requireMemory(600 * MiB + 1, 'chunkSize'))).toBe('ERR_OUT_OF_MEMORY');
  reading.usedBytes = 2000 * MiB;
  manager.requireMemory(0, 'chunkSize');
  expect(() => manager.requireMemory(1, 'chunkSize')).toThrow(/"chunkSize" asks for as 0 bytes/);
});

test('who asks for the pressure wakes whoever waits for that, once', () => {
  const { manager } = scene(1);
  const onUse = vi.fn<() => void>();
  manager.whenUsed(onUse);
  manager.sample();
  manager.usage();
  expect(onUse).not.toHaveBeenCalled();
  expect(manager.pressure).toBe('normal');
  expect(manager.pressure).toBe('normal');
  expect(onUse).toHaveBeenCalledTimes(1);
});

test.each<[MemoryManagerConfig, string]>([
  [
    { memoryPressureThreshold: 0 },
    `"memoryPressureThreshold" of 0 as it must be an integer from 1`,
  ],
  [{ memoryPressureThreshold: 9 * MiB }, `to the ${8 * MiB} bytes of "memory"`],
  [{ memoryPressureThreshold: 1.5 }, '"memoryPressureThreshold" of 1.5'],
  [
    { memoryPressureThreshold: 7 * MiB, criticalThreshold: 6 * MiB },
    `"criticalThreshold" of ${6 * MiB} as it must be an integer from "memoryPressureThreshold" (${7 * MiB})`,
  ],
  [{ criticalThreshold: MiB }, '"criticalThreshold"'],
  [{ bufferLifetimeMs: 0 }, '"bufferLifetimeMs" of 0 as it must be a positive number, or Infinity'],
  [{ maxBufferAgeMs: -1 }, '"maxBufferAgeMs" of -1 as it must be a positive number, or Infinity'],
  [{ maxBufferAgeMs: NaN }, '"maxBufferAgeMs" of NaN'],
  [
    { allocationStrategy: 'lazily' as 'hybrid' },
    '"allocationStrategy" of lazily as it must be one of on-demand, pre-allocate, hybrid',
  ],
  [{ sampleEveryMs: 1 }, '"sampleEveryMs" of 1 as it must be a number from 10 to 60000'],
])('settings of %j are refused, and the error says why', (config, why) => {
  const make = () => new MemoryManager(join(createTable(2)), config);
  expect(make).toThrow(MillraceError);
  expect(codeOf(make)).toBe('ERR_INVALID_ARG');
  expect(make).toThrow(why);
});

test('the defaults are those of the documentation', () => {
  const pools = join(createTable(10));
  const { settings } = new MemoryManager(pools);
  expect(settings).toEqual({
    memoryPressureThreshold: 32 * MiB,
    criticalThreshold: 38 * MiB,
    bufferLifetimeMs: 10_000,
    maxBufferAgeMs: undefined,
    allocationStrategy: 'on-demand',
    sampleEveryMs: 250,
  });
  const high = new MemoryManager(pools, { memoryPressureThreshold: 39 * MiB });
  expect(high.settings.criticalThreshold).toBe(39 * MiB);
});
