/** Strategies and options: what each gives, and what is refused. */
import {
  BufferManager,
  BufferPools,
  MillraceError,
  type AllocOptions,
  type BufferAllocationStrategy,
  type BufferEvent,
  type BufferManagerConfig,
  type BufferPoolsOptions,
  type ManagedBuffer,
  type MemoryGuard,
} from '@millrace/core';
import { memoryOf } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { OWNER } from '../memory.ts';
import { codeOf, thrownBy } from '../thrown.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

function make(config: BufferManagerConfig = {}, options: Partial<BufferPoolsOptions> = {}) {
  const pools = BufferPools.create({ memory: 16 * MiB, ...options }, OWNER);
  const events: BufferEvent[] = [];
  const onEvent = (event: BufferEvent): void => void events.push(event);
  const manager = new BufferManager(pools, config, { onEvent });
  const live = (): number => pools.stats().slices.live;
  return { pools, manager, events, live };
}

const NONE = {
  pooledAllocations: 0,
  directAllocations: 0,
  zeroCopyAllocations: 0,
  failedAllocations: 0,
};

test.each<[BufferAllocationStrategy, number, 'slice' | 'private', keyof typeof NONE, number]>([
  ['pooled', 100, 'slice', 'pooledAllocations', 1],
  ['pooled', 2 * MiB, 'slice', 'pooledAllocations', 1],
  ['direct', 100, 'private', 'directAllocations', 0],
  ['direct', 2 * MiB, 'private', 'directAllocations', 0],
  ['hybrid', 100, 'slice', 'pooledAllocations', 1],
  ['hybrid', 1 * MiB, 'slice', 'pooledAllocations', 1],
  ['hybrid', 1 * MiB + 1, 'private', 'directAllocations', 0],
  ['zero-copy', 100, 'slice', 'zeroCopyAllocations', 1],
  ['zero-copy', 2 * MiB, 'slice', 'zeroCopyAllocations', 1],
])('%s: %d bytes are a %s', (allocationStrategy, size, kind, counted, kept) => {
  const { manager, live } = make({ allocationStrategy });
  const buffer = manager.allocator.allocate(size);
  expect(buffer.slice === undefined).toBe(kind === 'private');
  expect(buffer.bytes.byteLength).toBe(size);
  expect(buffer.bytes.buffer instanceof SharedArrayBuffer).toBe(kind === 'slice');
  expect(manager.allocator.stats()).toEqual({
    ...NONE,
    [counted]: 1,
    totalMemory: buffer.memoryBytes,
    peakMemory: buffer.memoryBytes,
  });
  const { memoryBytes } = buffer;
  manager.allocator.deallocate(buffer);
  expect(live()).toBe(kept);
  expect(manager.allocator.stats()).toMatchObject({ totalMemory: 0, peakMemory: memoryBytes });
});

test('zeroCopy makes it a slice by any strategy', () => {
  for (const allocationStrategy of ['pooled', 'direct', 'hybrid', 'zero-copy'] as const) {
    const { manager } = make({ allocationStrategy });
    const buffer = manager.getBuffer(2 * MiB, { zeroCopy: true });
    expect(buffer.slice?.live).toBe(true);
    expect(manager.allocator.stats()).toMatchObject({ ...NONE, zeroCopyAllocations: 1 });
  }
  const { manager } = make({ enablePooling: false });
  expect(manager.getBuffer(10, { zeroCopy: true }).slice).toBeDefined();
});

test('zeroCopy false is what the default strategy gives', () => {
  const { manager } = make({ allocationStrategy: 'zero-copy' });
  const buffer = manager.getBuffer(10, { zeroCopy: false });
  expect(manager.allocator.stats()).toMatchObject({ ...NONE, pooledAllocations: 1 });
  expect(buffer.slice).toBeDefined();
});

test('poolThreshold says up to where hybrid takes slices', () => {
  const { manager } = make({ poolThreshold: 100 });
  expect(manager.getBuffer(100).slice).toBeDefined();
  expect(manager.getBuffer(101).slice).toBeUndefined();
  manager.configure({ poolThreshold: 2 * MiB });
  expect(manager.getBuffer(2 * MiB).slice).toBeDefined();
});

test('preferredClass is the class, where its buffers are large enough', () => {
  const { manager } = make();
  expect(manager.getBuffer(10, { preferredClass: 'medium' })).toMatchObject({
    class: 'medium',
    capacity: 64 * KiB,
    size: 10,
  });
  expect(manager.getBuffer(10 * KiB, { preferredClass: 'small' }).class).toBe('medium');
});

test('minSize is room to grow in place', () => {
  const { manager } = make();
  const buffer = manager.getBuffer(10, { minSize: 5000 });
  expect(buffer).toMatchObject({ class: 'medium', size: 10, capacity: 64 * KiB });
  const { id } = buffer;
  expect(buffer.resize(5000).id).toBe(id);
  const direct = manager.getBuffer(10, { minSize: 2 * MiB });
  expect(direct).toMatchObject({ class: 'huge', size: 10, capacity: 2 * MiB });
});

test('maxSize keeps larger buffers out', () => {
  const { manager, live } = make();
  const snug = manager.getBuffer(5000, { maxSize: 6000 });
  expect(snug).toMatchObject({ class: 'medium', capacity: 5000, size: 5000 });
  snug.release();
  expect(live()).toBe(0);
  expect(manager.getBuffer(5000, { maxSize: 64 * KiB }).capacity).toBe(64 * KiB);
  expect(codeOf(() => manager.getBuffer(5000, { maxSize: 4999 }))).toBe('ERR_SIZE');
  expect(codeOf(() => manager.getBuffer(1, { minSize: 2, maxSize: 1 }))).toBe('ERR_SIZE');
});

test.each([1, 2, 8, 16, 64, 512, 4096])('bytes begin at a multiple of %d', (alignment) => {
  const { manager } = make();
  for (const size of [1, 100, 5000, 70_000, 2 * MiB]) {
    const { bytes, slice } = manager.getBuffer(size, { alignment });
    expect(bytes.byteOffset % alignment).toBe(0);
    expect(slice === undefined).toBe(size > 1 * MiB && alignment <= 8);
  }
});

test('private memory that is to be aligned is refused, unless it may be a slice', () => {
  const { manager } = make({ allocationStrategy: 'direct' });
  expect(manager.getBuffer(10, { alignment: 8 }).slice).toBeUndefined();
  const error = thrownBy(() => manager.getBuffer(10, { alignment: 16 }));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain('"alignment" of 16');
  expect(manager.getBuffer(10, { alignment: 16, zeroCopy: true }).slice).toBeDefined();
});

test.each<[AllocOptions['locality'], 'first' | 'last']>([
  [undefined, 'last'],
  ['any', 'last'],
  ['local', 'last'],
  ['numa', 'last'],
  ['remote', 'first'],
])('of locality %s is what was used %s', (locality, which) => {
  const { manager } = make();
  const buffers = [1, 2, 3].map(() => manager.getBuffer(10));
  for (const buffer of buffers) buffer.release();
  const wanted = which === 'first' ? manager.getBuffer(10, { locality }) : undefined;
  const spare = manager.statistics('small').currentSize;
  expect(spare).toBeGreaterThan(0);
  if (wanted) {
    const { id } = wanted;
    wanted.release();
    // It was at the bottom; now it is at the top.
    expect(manager.getBuffer(10).id).toBe(id);
    expect(id).not.toBe(buffers[2]!.id);
  } else expect(manager.getBuffer(10, { locality }).id).toBe(buffers[2]!.id);
});

test('what is local is made in the arena of the last that was local', () => {
  const { manager, pools } = make({ maxPoolSize: 0 }, { memory: 192 * MiB });
  const arena = 64 * MiB;
  const get = (options?: AllocOptions): ManagedBuffer => manager.getBuffer(64 * KiB, options);
  const arenaOf = ({ slice }: ManagedBuffer): unknown => memoryOf(slice!.bytes);
  pools.acquire(arena);
  const home = arenaOf(get({ locality: 'local' }));
  expect(home).toBeDefined();
  const rest = pools.acquire(arena - 4 * MiB);
  // One slab is left there: what comes after its 64 slots lies in the last arena.
  const others = Array.from({ length: 65 }, () => get());
  const far = others.at(-1)!;
  expect(arenaOf(far)).not.toBe(home);
  others[0]!.release();
  far.release(); // and is the next to be lent
  const plain = get();
  expect(arenaOf(plain)).not.toBe(home);
  plain.release();
  expect(arenaOf(get({ locality: 'numa' }))).toBe(home);
  rest.release();
  expect(arenaOf(get({ locality: 'local' }))).toBe(home);
});

test('low priority gets nothing new once gcTriggerRatio of the memory is lent', () => {
  const { manager, pools } = make({ gcTriggerRatio: 0.5, monitoringIntervalMs: 1e9 });
  const [stocked] = [manager.getBuffer(10)];
  stocked.release();
  const held = pools.acquire(12 * MiB);
  expect(manager.getBuffer(10, { priority: 'low' }).id).toBe(stocked.id);
  const error = thrownBy(() => manager.getBuffer(10, { priority: 'low' }));
  expect(error.code).toBe('ERR_POOL_EXHAUSTED');
  expect(error.message).toContain('"gcTriggerRatio" of 0.5');
  expect(codeOf(() => manager.getBuffer(10, { priority: 'low', maxSize: 10 }))).toBe(
    'ERR_POOL_EXHAUSTED',
  );
  expect(manager.getBuffer(10, { priority: 'normal' }).state).toBe('in-use');
  held.release();
  expect(manager.getBuffer(10, { priority: 'low' }).state).toBe('in-use');
});

test('normal priority has the stock of other classes given back', () => {
  const { manager } = make({ allocationStrategy: 'pooled' });
  const large = Array.from({ length: 8 }, () => manager.getBuffer(1 * MiB));
  for (const buffer of large) buffer.release();
  const small = manager.getBuffer(10);
  const huge = [1, 2, 3].map(() => manager.getBuffer(4 * MiB));
  expect(huge.every(({ state }) => state === 'in-use')).toBe(true);
  expect(manager.statistics('large').currentSize).toBe(0);
  const error = thrownBy(() => manager.getBuffer(4 * MiB));
  expect(error.code).toBe('ERR_POOL_EXHAUSTED');
  expect(error.message).toContain('raise "memory"');
  small.release();
});

test('low priority leaves the stock of other classes alone', () => {
  const { manager } = make({
    allocationStrategy: 'pooled',
    gcTriggerRatio: 1,
    pools: { large: { initialSize: 4 }, huge: { initialSize: 3 } },
  });
  const huge = [1, 2, 3].map(() => manager.getBuffer(4 * MiB));
  expect(codeOf(() => manager.getBuffer(4 * MiB, { priority: 'low' }))).toBe('ERR_POOL_EXHAUSTED');
  expect(manager.statistics('large').currentSize).toBe(4);
  expect(manager.getBuffer(4 * MiB).state).toBe('in-use');
  expect(manager.statistics('large').currentSize).toBe(0);
  expect(huge).toHaveLength(3);
});

test('high priority takes private memory by hybrid where the pools are exhausted', () => {
  const { manager, pools, events } = make({}, { memory: 4 * MiB });
  const held = pools.acquire(4 * MiB);
  for (const priority of ['low', 'normal'] as const) {
    expect(codeOf(() => manager.getBuffer(10, { priority }))).toBe('ERR_POOL_EXHAUSTED');
  }
  expect(events).toMatchObject([
    { eventType: 'retrieved', bufferId: 0, size: 10, class: 'small', success: false },
    { eventType: 'retrieved', bufferId: 0, size: 10, class: 'small', success: false },
  ]);
  for (const priority of ['high', 'critical'] as const) {
    expect(manager.getBuffer(10, { priority }).slice).toBeUndefined();
    const aligned = { priority, alignment: 64 };
    expect(codeOf(() => manager.getBuffer(10, aligned))).toBe('ERR_POOL_EXHAUSTED');
    const zeroCopy = { priority, zeroCopy: true };
    expect(codeOf(() => manager.getBuffer(10, zeroCopy))).toBe('ERR_POOL_EXHAUSTED');
  }
  expect(manager.allocator.stats()).toMatchObject({ directAllocations: 2, failedAllocations: 6 });
  manager.allocator.strategy = 'pooled';
  expect(codeOf(() => manager.getBuffer(10, { priority: 'high' }))).toBe('ERR_POOL_EXHAUSTED');
  held.release();
});

test('when there is no private memory either, a get of high priority says so, and counts once', () => {
  const pools = BufferPools.create({ memory: 4 * MiB }, OWNER);
  const held = pools.acquire(4 * MiB);
  const memory: MemoryGuard = {
    pressure: 'critical',
    requireMemory: () => {
      throw new MillraceError('ERR_OUT_OF_MEMORY', 'Cannot take more');
    },
  };
  const manager = new BufferManager(pools, {}, { memory });
  expect(codeOf(() => manager.getBuffer(10, { priority: 'high' }))).toBe('ERR_OUT_OF_MEMORY');
  expect(manager.allocator.stats()).toMatchObject({ directAllocations: 0, failedAllocations: 1 });
  held.release();
});

test('critical priority may use the reserve, which stays one', () => {
  const config = { allocationStrategy: 'pooled' } as const;
  const { manager, pools } = make(config, { memory: 8 * MiB, reserve: 4 * MiB });
  const held = pools.acquire(4 * MiB);
  expect(codeOf(() => manager.getBuffer(10, { priority: 'high' }))).toBe('ERR_POOL_EXHAUSTED');
  const critical = manager.getBuffer(10, { priority: 'critical' });
  expect(critical.slice).toBeDefined();
  critical.release(); // to the reserve, and not into the stock, where others would have it
  expect(manager.statistics('small').currentSize).toBe(0);
  expect(codeOf(() => manager.getBuffer(10))).toBe('ERR_POOL_EXHAUSTED');
  expect(manager.getBuffer(10, { priority: 'critical' }).slice).toBeDefined();
  held.release();
});

test('a tag is in the metadata and in the events, until the buffer is reset', () => {
  const { manager, events } = make();
  for (const size of [10, 2 * MiB]) {
    const buffer = manager.getBuffer(size, { tag: 'upload' });
    expect(buffer.metadata.get('tag')).toBe('upload');
    expect(events.at(-1)?.metadata?.get('tag')).toBe('upload');
    buffer.release();
  }
  expect(manager.getBuffer(10).hasMetadata).toBe(false);
});

const broken: [keyof AllocOptions, unknown, string][] = [
  ['preferredClass', 'tiny', 'one of small, medium, large, huge'],
  ['minSize', 0, 'an integer of 1 or more'],
  ['minSize', 1.5, 'an integer of 1 or more'],
  ['maxSize', 0, 'an integer of 1 or more, or Infinity'],
  ['maxSize', NaN, 'an integer of 1 or more, or Infinity'],
  ['zeroCopy', 1, 'one of true, false'],
  ['alignment', 0, 'a power of two from 1 to 4096'],
  ['alignment', 3, 'a power of two from 1 to 4096'],
  ['alignment', 8192, 'a power of two from 1 to 4096'],
  ['alignment', '8', 'a power of two from 1 to 4096'],
  ['locality', 'near', 'one of any, local, remote, numa'],
  ['priority', 'urgent', 'one of low, normal, high, critical'],
  ['tag', 7, 'a string'],
];

test.each(broken)('"%s" of %s is refused', (option, value, rule) => {
  const { manager } = make();
  const error = thrownBy(() => manager.getBuffer(10, { [option]: value }));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(`"${option}" of ${String(value)}`);
  expect(error.message).toContain(rule);
  expect(manager.metrics().totalBuffers).toBe(0);
});
