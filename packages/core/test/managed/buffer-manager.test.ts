/** The manager: classes, resizing, figures counted by hand, settings at run time, upkeep, events. */
import {
  BUFFER_CLASSES,
  BufferManager,
  BufferPools,
  DefaultBufferFactory,
  MemoryManager,
  type BufferEvent,
  type BufferManagerConfig,
  type BufferManagerServices,
} from '@millrace/core';
import { expect, test } from 'vitest';
import { OWNER, bytesIn, createTable, join, leaseEverything } from '../memory.ts';
import { codeOf, thrownBy } from '../thrown.ts';
import { HandClock, Workshop, inShort } from './workshop.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

function make(
  config: BufferManagerConfig = {},
  services: BufferManagerServices = {},
  memory = 32 * MiB,
) {
  const pools = BufferPools.create({ memory }, OWNER);
  const clock = new HandClock();
  const events: BufferEvent[] = [];
  const manager = new BufferManager(pools, config, {
    nowMs: clock.nowMs,
    onEvent: (event) => void events.push(event),
    ...services,
  });
  const live = (): number => pools.stats().slices.live;
  return { pools, clock, events, manager, live };
}

test.each([
  [1, 'small', 4 * KiB],
  [4 * KiB, 'small', 4 * KiB],
  [4 * KiB + 1, 'medium', 64 * KiB],
  [64 * KiB, 'medium', 64 * KiB],
  [64 * KiB + 1, 'large', 1 * MiB],
  [1 * MiB, 'large', 1 * MiB],
  [1 * MiB + 1, 'huge', 4 * MiB],
  [4 * MiB, 'huge', 4 * MiB],
])(
  '%d bytes come from the pool of class %s, whose buffers have %d',
  (size, bufferClass, capacity) => {
    const { manager } = make({ allocationStrategy: 'pooled' });
    expect(manager.classifySize(size)).toBe(bufferClass);
    const buffer = manager.getBuffer(size);
    expect(buffer).toMatchObject({ size, class: bufferClass, capacity, state: 'in-use' });
    expect(buffer.bytes.byteLength).toBe(size);
    manager.returnBuffer(buffer);
    for (const each of BUFFER_CLASSES) {
      expect(manager.statistics(each).hits + manager.statistics(each).misses).toBe(
        each === bufferClass ? 1 : 0,
      );
    }
  },
);

test('a buffer larger than the huge ones is made of just its size, and not kept', () => {
  const { manager, live } = make({ allocationStrategy: 'pooled' });
  const buffer = manager.getBuffer(5 * MiB);
  expect(buffer).toMatchObject({ class: 'huge', capacity: 5 * MiB, memoryBytes: 8 * MiB });
  buffer.release();
  expect(live()).toBe(0);
  expect(manager.metrics()).toMatchObject({ totalBuffers: 0, hitRate: 0 });
});

test.each([0, -1, 1.5, NaN, Infinity, '100', null, undefined])(
  'a buffer of %s bytes is refused, and counts as nothing',
  (size) => {
    const { manager, live } = make();
    expect(codeOf(() => manager.getBuffer(size as number))).toBe('ERR_SIZE');
    expect(manager.metrics()).toEqual(make().manager.metrics());
    expect(live()).toBe(0);
  },
);

test('a buffer that grows beyond its class keeps its content, its metadata and its holder', () => {
  const { manager, events, live } = make();
  const buffer = manager.getBuffer(1000, { tag: 'upload' });
  const former = buffer.id;
  buffer.bytes.fill(7);
  expect(manager.resizeBuffer(buffer, 5000)).toBe(buffer);
  expect(buffer).toMatchObject({
    size: 5000,
    class: 'medium',
    capacity: 64 * KiB,
    state: 'in-use',
  });
  expect(buffer.bytes.subarray(0, 1000).every((byte) => byte === 7)).toBe(true);
  expect(buffer.metadata.get('tag')).toBe('upload');
  expect(inShort(events)).toEqual([
    `allocated ${former}`,
    `retrieved ${former}`,
    `allocated ${buffer.id}`,
    `retrieved ${buffer.id}`,
    `resized ${buffer.id}`,
    `returned ${former}`,
    `reset ${former}`,
  ]);
  expect(manager.metrics()).toMatchObject({ activeBuffers: 1, totalBuffers: 2 });
  expect(manager.statistics('small')).toMatchObject({ active: 0, currentSize: 1 });
  buffer.release();
  expect(manager.metrics()).toMatchObject({ activeBuffers: 0, totalBuffers: 2 });
  expect(live()).toBe(2);
});

test('a slice that grows beyond the threshold stays one, and private memory stays private', () => {
  const { manager } = make();
  const slice = manager.getBuffer(1000);
  slice.resize(2 * MiB);
  expect(slice).toMatchObject({ class: 'huge', capacity: 4 * MiB });
  expect(slice.slice).toBeDefined();
  const direct = manager.getBuffer(1 * MiB + 1);
  direct.bytes[1 * MiB] = 9;
  direct.resize(2 * MiB);
  expect(direct.slice).toBeUndefined();
  expect(direct.bytes[1 * MiB]).toBe(9);
  expect(manager.allocator.stats()).toMatchObject({ directAllocations: 2 });
});

test('a buffer that cannot grow is as it was', () => {
  const { manager } = make({ allocationStrategy: 'pooled' }, {}, 8 * MiB);
  const buffer = manager.getBuffer(1000);
  buffer.bytes.fill(7);
  const other = manager.getBuffer(4 * MiB);
  expect(codeOf(() => buffer.resize(4 * MiB))).toBe('ERR_POOL_EXHAUSTED');
  expect(buffer).toMatchObject({ size: 1000, class: 'small', state: 'in-use' });
  expect(buffer.bytes.every((byte) => byte === 7)).toBe(true);
  other.release();
  expect(
    buffer
      .resize(4 * MiB)
      .bytes.subarray(0, 1000)
      .every((byte) => byte === 7),
  ).toBe(true);
});

test('a marked buffer that grows leaves its bad memory behind', () => {
  const { manager } = make();
  const buffer = manager.getBuffer(1000);
  buffer.markCorrupted();
  buffer.resize(5000);
  expect(buffer.state).toBe('in-use');
  expect(manager.statistics('small')).toMatchObject({ buffersCorrupted: 1, currentSize: 0 });
  buffer.release();
  expect(manager.statistics('medium')).toMatchObject({ buffersCorrupted: 0, currentSize: 1 });
});

test('a buffer whose slice is gone cannot grow, and nothing is lost by trying', () => {
  const { manager, live } = make();
  const buffer = manager.getBuffer(1000);
  buffer.slice!.release();
  expect(codeOf(() => buffer.resize(5000))).toBe('ERR_SLICE_STALE');
  buffer.release();
  expect(manager.metrics().activeBuffers).toBe(0);
  manager.close();
  expect(live()).toBe(0);
});

test("another manager's buffer is not taken back, nor resized", () => {
  const { manager } = make();
  const foreign = make().manager.getBuffer(10);
  expect(codeOf(() => manager.returnBuffer(foreign))).toBe('ERR_SLICE_FOREIGN');
  expect(codeOf(() => manager.resizeBuffer(foreign, 5))).toBe('ERR_SLICE_FOREIGN');
  expect(foreign.state).toBe('in-use');
});

test('a buffer comes back once', () => {
  const { manager } = make();
  const buffer = manager.getBuffer(10);
  manager.returnBuffer(buffer);
  expect(codeOf(() => manager.returnBuffer(buffer))).toBe('ERR_SLICE_STALE');
  const direct = manager.getBuffer(2 * MiB);
  direct.release();
  expect(codeOf(() => direct.release())).toBe('ERR_SLICE_STALE');
  expect(manager.metrics()).toMatchObject({ activeBuffers: 0, totalMemoryUsage: 4 * KiB });
});

test('before anything happens all figures are at rest', () => {
  expect(make().manager.metrics()).toEqual({
    totalBuffers: 0,
    activeBuffers: 0,
    totalMemoryUsage: 0,
    peakMemoryUsage: 0,
    allocationRate: 0,
    deallocationRate: 0,
    hitRate: 1,
    efficiencyScore: 100,
    fragmentationRatio: 0,
  });
});

test('all figures of a run counted by hand', () => {
  const { manager, clock } = make({ pools: { small: { growthFactor: 1, initialSize: 2 } } });
  const first = manager.getBuffer(1024); // from the stock
  const second = manager.getBuffer(3072); // from the stock
  const third = manager.getBuffer(4096); // made
  const fourth = manager.getBuffer(16 * KiB); // made: 64 KiB
  const fifth = manager.getBuffer(2 * MiB); // private memory
  clock.ms += 500;
  third.release();
  fifth.release();
  // In use: 1 + 3 KiB in 2 × 4, 16 KiB in 64. In stock: 4.
  const inUse = 2 * 4 * KiB + 64 * KiB;
  const fragmentationRatio = 1 - (4 * KiB + 16 * KiB) / inUse;
  expect(manager.metrics()).toEqual({
    totalBuffers: 4,
    activeBuffers: 3,
    totalMemoryUsage: inUse + 4 * KiB,
    peakMemoryUsage: inUse + 4 * KiB + 2 * MiB,
    allocationRate: 5 / 0.5,
    deallocationRate: 2 / 0.5,
    hitRate: 2 / 5,
    // Three small ones and a medium one were in use at once: all of the memory is needed.
    efficiencyScore: 100 * (2 / 5) * (1 - fragmentationRatio),
    fragmentationRatio,
  });
  for (const buffer of [first, second, fourth]) buffer.release();
  for (let i = 0; i < 11; i++) manager.upkeep();
  const lone = manager.getBuffer(4096); // from the stock, one of 3; the medium one is not needed
  expect(manager.metrics().efficiencyScore).toBeCloseTo(
    100 * (3 / 6) * ((4 * KiB) / (2 * 4 * KiB)),
    10,
  );
  expect(manager.statistics('medium').currentSize).toBe(0);
  expect(manager.statistics('small')).toMatchObject({ currentSize: 1, active: 1 });
  lone.release();
});

test('rates are those of the running second and the nine before it', () => {
  const { manager, clock } = make();
  const expectRates = (allocations: number, deallocations: number, seconds: number): void => {
    const { allocationRate, deallocationRate } = manager.metrics();
    expect(allocationRate).toBeCloseTo(allocations / seconds, 10);
    expect(deallocationRate).toBeCloseTo(deallocations / seconds, 10);
  };
  const held = [1, 2, 3].map(() => manager.getBuffer(10)); // second 0: three
  clock.ms += 1500;
  expectRates(3, 0, 1.5);
  for (const buffer of held) buffer.release(); // second 1: three back
  expectRates(3, 3, 1.5);
  clock.ms += 8000; // 9.5
  manager.getBuffer(10); // second 9: one
  expectRates(4, 3, 9.5);
  clock.ms += 1000; // 10.5: without second 0
  expectRates(1, 3, 9.5);
  clock.ms += 1000; // 11.5: without second 1
  expectRates(1, 0, 9.5);
  clock.ms += 7499; // 18.999
  expectRates(1, 0, 9.999);
  clock.ms += 1; // 19: without second 9
  expectRates(0, 0, 9);
  clock.ms += 3_600_000;
  expectRates(0, 0, 9);
});

test('a steady load has a steady rate, however long it lasts', () => {
  const { manager, clock } = make();
  clock.ms += 500;
  for (let second = 0; second < 25; second++) {
    for (let i = 0; i < 4; i++) manager.getBuffer(10).release();
    const seconds = Math.min(9.5, second + 0.5);
    const { allocationRate, deallocationRate } = manager.metrics();
    expect(allocationRate).toBeCloseTo((4 * Math.min(10, second + 1)) / seconds, 10);
    expect(deallocationRate).toBe(allocationRate);
    clock.ms += 1000;
  }
});

test('what is in use is known in whatever order it comes back', () => {
  const { manager } = make();
  const inUse = (): number[] => manager.leaks(0).map(({ bufferId }) => bufferId);
  const [first, second, third, fourth] = [1, 2, 3, 4].map(() => manager.getBuffer(2 * MiB));
  second!.release();
  third!.release();
  expect(inUse()).toEqual([first!.id, fourth!.id]);
  fourth!.release();
  expect(inUse()).toEqual([first!.id]);
  const fifth = manager.getBuffer(10);
  first!.release();
  expect(inUse()).toEqual([fifth.id]);
  fifth.release();
  expect(inUse()).toEqual([]);
});

test('settings change while buffers come and go, and what is not said stays', () => {
  const { manager, live } = make({ maxPoolSize: 4, pools: { small: { maxAgeMs: 50 } } });
  const buffer = manager.getBuffer(4 * KiB);
  expect(manager.configure({ pools: { small: { initialSize: 3 } } }).pools.small).toMatchObject({
    initialSize: 3,
    maxSize: 4,
    maxAgeMs: 50,
  });
  expect(manager.statistics('small')).toMatchObject({ active: 1, currentSize: 2 });
  const { bufferSizes } = manager.configure({ bufferSizes: { small: 8 * KiB } });
  expect(manager.classifySize(8 * KiB)).toBe('small');
  expect(bufferSizes).toEqual({ small: 8 * KiB, medium: 64 * KiB, large: 1 * MiB, huge: 4 * MiB });
  expect(manager.configure({ bufferSizes: { medium: 32 * KiB } }).bufferSizes.small).toBe(8 * KiB);
  buffer.release();
  expect(manager.getBuffer(8 * KiB)).toMatchObject({ class: 'small', capacity: 8 * KiB });
  expect(live()).toBe(2); // one of three was of the former size
  manager.configure({ allocationStrategy: 'direct' });
  expect(manager.getBuffer(10).slice).toBeUndefined();
  expect(manager.statistics('small').currentSize).toBe(0);
  manager.allocator.strategy = 'pooled';
  manager.getBuffer(10).release();
  expect(manager.statistics('small').currentSize).toBeGreaterThan(0);
  expect(manager.settings.allocationStrategy).toBe('pooled');
  expect(manager.configure({ leakAfterMs: 5 })).toEqual(manager.settings);
  expect(manager.settings).toMatchObject({ allocationStrategy: 'pooled', maxPoolSize: 4 });
});

test.each<[keyof BufferManagerConfig, unknown, string]>([
  ['maxPoolSize', -1, '"maxPoolSize" of -1'],
  ['bufferSizes', { small: 128 * KiB }, '"bufferSizes.medium" of 65536'],
  ['bufferSizes', { huge: 128 * MiB }, '"bufferSizes.huge" of 134217728'],
  ['pools', { small: { maxSize: 0.5 } }, '"pools.small.maxSize" of 0.5'],
  ['pools', 7, '"pools" of 7'],
  ['pools', { small: 7 }, '"pools.small" of 7'],
  ['bufferSizes', 7, '"bufferSizes" of 7'],
])('a change of "%s" to %j is refused, and nothing changes', (field, value, named) => {
  const change = { [field]: value };
  const { manager } = make();
  const { settings } = manager;
  const error = thrownBy(() => manager.configure(change));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(named);
  expect(manager.settings).toEqual(settings);
  expect(codeOf(() => make(change))).toBe('ERR_INVALID_ARG');
});

test('a strategy that there is not is refused', () => {
  const { manager } = make();
  expect(codeOf(() => (manager.allocator.strategy = 'fast' as 'pooled'))).toBe('ERR_INVALID_ARG');
  expect(manager.allocator.strategy).toBe('hybrid');
});

test('without pooling there is no stock', () => {
  const { manager, live } = make({ enablePooling: false, defaultPoolSize: 3 });
  expect(live()).toBe(0);
  const buffer = manager.getBuffer(100);
  expect(buffer.slice).toBeUndefined();
  buffer.release();
  expect(manager.metrics()).toMatchObject({ totalBuffers: 0, hitRate: 0 });
  manager.configure({ enablePooling: true });
  expect(manager.statistics('small').currentSize).toBe(3);
});

test('upkeep happens every monitoringIntervalMs while buffers come and go', () => {
  const { manager, clock } = make({ monitoringIntervalMs: 50, pools: { small: { maxAgeMs: 10 } } });
  manager.getBuffer(10).release();
  clock.ms += 49;
  manager.getBuffer(5000).release();
  expect(manager.statistics('small').currentSize).toBe(1);
  clock.ms += 1;
  manager.getBuffer(5000).release();
  expect(manager.statistics('small')).toMatchObject({ currentSize: 0, buffersDestroyed: 1 });
  manager.configure({ monitoringIntervalMs: 10_000 });
  manager.getBuffer(10).release();
  clock.ms += 9999;
  manager.getBuffer(5000).release();
  expect(manager.statistics('small').currentSize).toBe(1);
  expect(manager.upkeep()).toEqual({ destroyed: 1, leaked: 0 });
});

test('what is held for longer than leakAfterMs is told once, each time it is held', () => {
  const { manager, clock, events } = make({ leakAfterMs: 100, monitoringIntervalMs: 10 });
  const buffer = manager.getBuffer(10, { tag: 'parser' });
  const other = manager.getBuffer(2 * MiB);
  const leaks = (): string[] => inShort(events.filter(({ eventType }) => eventType === 'leak'));
  clock.ms += 99;
  expect(manager.upkeep()).toEqual({ destroyed: 0, leaked: 0 });
  clock.ms += 1;
  manager.getBuffer(10).release(); // it is upkeep's turn
  expect(leaks()).toEqual([`leak ${buffer.id}`, `leak ${other.id}`]);
  expect(events.findLast(({ eventType }) => eventType === 'leak')).toMatchObject({
    size: 2 * MiB,
    class: 'huge',
    durationMs: 100,
  });
  clock.ms += 100;
  expect(manager.upkeep().leaked).toBe(0);
  expect(manager.leaks(200)).toEqual([
    { bufferId: buffer.id, class: 'small', size: 10, heldMs: 200, tag: 'parser' },
    { bufferId: other.id, class: 'huge', size: 2 * MiB, heldMs: 200, tag: undefined },
  ]);
  expect(manager.leaks(201)).toEqual([]);
  buffer.release();
  expect(manager.leaks(0)).toMatchObject([{ bufferId: other.id }]);
  const again = manager.getBuffer(10);
  clock.ms += 100;
  expect(manager.upkeep().leaked).toBe(1);
  expect(leaks().at(-1)).toBe(`leak ${again.id}`);
});

test('when more than gcTriggerRatio of the memory is lent, the stock goes back', () => {
  const { pools, manager, live } = make({ defaultPoolSize: 1, gcTriggerRatio: 0.5 }, {}, 32 * MiB);
  expect(live()).toBe(4);
  manager.upkeep();
  expect(live()).toBe(4);
  const held = pools.acquire(12 * MiB);
  expect(manager.upkeep()).toEqual({ destroyed: 4, leaked: 0 });
  expect(live()).toBe(1);
  held.release();
});

test('while memory is short there is no stock', () => {
  const pools = BufferPools.create({ memory: 32 * MiB }, OWNER);
  const memory = new MemoryManager(pools, { memoryPressureThreshold: 8 * MiB });
  const manager = new BufferManager(pools, { defaultPoolSize: 1 }, { memory });
  const held = pools.acquire(4 * MiB);
  memory.sample();
  expect(manager.upkeep().destroyed).toBe(4);
  expect(manager.metrics().totalBuffers).toBe(0);
  held.release();
});

test('drained, a manager goes on; closed, it keeps nothing', () => {
  const { manager, live } = make({ defaultPoolSize: 2 });
  const buffer = manager.getBuffer(10);
  expect(manager.drain()).toBe(7);
  expect(live()).toBe(1);
  buffer.release();
  expect(live()).toBe(1);
  const last = manager.getBuffer(10);
  {
    using closing = manager;
    expect(closing).toBe(manager);
  }
  manager.configure({ defaultPoolSize: 3 });
  expect(live()).toBe(1);
  last.release();
  expect(live()).toBe(0);
});

test('events are told to one, and only while enableMonitoring is set', () => {
  const { manager, events } = make();
  manager.getBuffer(10).release();
  expect(events.splice(0).map(({ eventType }) => eventType)).toEqual([
    'allocated',
    'retrieved',
    'returned',
    'reset',
  ]);
  manager.configure({ enableMonitoring: false });
  manager.getBuffer(10).release();
  expect(events).toEqual([]);
  manager.configure({ enableMonitoring: true });
  manager.getBuffer(10).release();
  expect(events.splice(0)).toHaveLength(3);
  const others: BufferEvent[] = [];
  manager.onEvent((event) => void others.push(event));
  manager.getBuffer(10).release();
  manager.onEvent(undefined);
  manager.getBuffer(10).release();
  expect(events).toEqual([]);
  expect(others).toHaveLength(3);
});

test('when a thread dies, the sweep returns its stock and what it had lent', () => {
  const table = createTable(4);
  const [survivor, dead] = [join(table), join(table)];
  const manager = new BufferManager(dead, { defaultPoolSize: 1 });
  manager.getBuffer(100);
  manager.getBuffer(5000);
  expect(survivor.stats().slices.live).toBe(4);
  expect(survivor.registry.bury(dead.thread, OWNER)).toBe(true);
  expect(survivor.sweep(dead.thread, OWNER)).toBe(4);
  expect(bytesIn(leaseEverything(survivor))).toBe(16 * MiB);
});

test('ids of buffers of different threads differ', () => {
  const pools = BufferPools.create({ memory: 8 * MiB }, OWNER);
  const thread = pools.registry.register(1);
  const other = BufferPools.attach(pools.handle, thread);
  const ids = [pools, other].map((memory) => new BufferManager(memory).getBuffer(1).id);
  expect(ids[0]).not.toBe(ids[1]);
  expect(ids.every(Number.isSafeInteger)).toBe(true);
});

test("a factory of one's own makes, checks, resets and destroys all that is used", () => {
  const factory = new Workshop();
  const { manager, live } = make({ leakAfterMs: 1 }, { factory });
  manager.getBuffer(10).release();
  manager.getBuffer(2 * MiB).release();
  manager.getBuffer(2 * MiB, { zeroCopy: true }).release();
  const plain = { critical: false, direct: false };
  expect(factory.created).toMatchObject([
    { bufferClass: 'small', size: 4 * KiB, terms: plain },
    { bufferClass: 'huge', size: 2 * MiB, terms: { ...plain, direct: true } },
    { bufferClass: 'huge', size: 4 * MiB, terms: plain },
  ]);
  expect(factory.validated).toEqual(['returned', 'returned']);
  expect(factory.resets).toHaveLength(2);
  expect(factory.destroyed).toHaveLength(1);
  expect(live()).toBe(0);
});

test('an error of a factory reaches who asked, and is told', () => {
  const factory = new Workshop();
  const { manager, events } = make({}, { factory });
  const error = new RangeError('broken');
  factory.throws.create = error;
  expect(() => manager.getBuffer(10)).toThrow(error);
  expect(events).toMatchObject([
    { eventType: 'retrieved', bufferId: 0, size: 10, class: 'small', success: false, error },
  ]);
  expect(manager.allocator.stats().failedAllocations).toBe(1);
  expect(manager.metrics()).toMatchObject({ totalBuffers: 0, activeBuffers: 0 });
});

test('a manager that cannot be made leaves nothing behind', () => {
  const factory = new Workshop();
  const create = factory.create.bind(factory);
  factory.create = (bufferClass, ...rest) => {
    if (bufferClass === 'large') throw new RangeError('broken');
    return create(bufferClass, ...rest);
  };
  expect(() => make({ defaultPoolSize: 2 }, { factory })).toThrow('broken');
  expect(factory.created).toHaveLength(4);
  expect(factory.destroyed).toHaveLength(4);
});

test('the default factory can be built upon', () => {
  const pools = BufferPools.create({ memory: 8 * MiB }, OWNER);
  class Wiping extends DefaultBufferFactory {
    override reset(buffer: Parameters<DefaultBufferFactory['reset']>[0]): void {
      super.reset(buffer);
      buffer.memory.bytes.fill(0);
    }
  }
  const manager = new BufferManager(pools, {}, { factory: new Wiping(pools) });
  const secret = manager.getBuffer(100);
  secret.bytes.fill(7);
  secret.release();
  expect(manager.getBuffer(4096).bytes.every((byte) => byte === 0)).toBe(true);
});
