/** Pools of managed buffers: every setting, every figure, every state. */
import {
  BufferLedger,
  BufferPools,
  DefaultBufferFactory,
  MillraceError,
  SizedBufferPool,
  type BufferEvent,
  type ManagedBuffer,
  type PoolConfig,
} from '@millrace/core';
import { expect, test, vi } from 'vitest';
import { OWNER } from '../memory.ts';
import { codeOf, thrownBy } from '../thrown.ts';
import { HandClock, Workshop, inShort } from './workshop.ts';

const SIZE = 100;

function make(config: PoolConfig = {}, factory = new Workshop()) {
  const clock = new HandClock();
  const events: BufferEvent[] = [];
  const ledger = new BufferLedger({ nowMs: clock.nowMs, onEvent: (event) => events.push(event) });
  const pool = new SizedBufferPool('small', SIZE, config, factory, ledger);
  return { clock, events, ledger, factory, pool };
}

function getMany(pool: SizedBufferPool, count: number): ManagedBuffer[] {
  return Array.from({ length: count }, () => pool.get());
}

test('a buffer has all the reference says, and keeps it from use to use', () => {
  const { pool, clock } = make();
  const first = pool.get(40);
  expect(first).toMatchObject({
    size: 40,
    capacity: SIZE,
    memoryBytes: SIZE,
    class: 'small',
    createdAt: 1_000_000,
    lastUsed: 1_000_000,
    useCount: 1,
    state: 'in-use',
  });
  expect(first.metadata).toEqual(new Map());
  expect(first.bytes.byteLength).toBe(40);
  clock.ms += 5;
  first.release();
  expect(first.lastUsed).toBe(1_000_005);
  clock.ms += 5;
  const second = pool.get();
  expect(second).toMatchObject({
    id: first.id,
    size: SIZE,
    createdAt: 1_000_000,
    lastUsed: 1_000_010,
    useCount: 2,
  });
  expect(second.bytes.byteLength).toBe(SIZE);
});

test('a buffer is released once, and used by its holder alone', () => {
  const { pool } = make();
  const former = pool.get();
  former.release();
  const current = pool.get();
  expect(current.id).toBe(former.id);
  expect(codeOf(() => former.release())).toBe('ERR_SLICE_STALE');
  expect(codeOf(() => former.bytes)).toBe('ERR_SLICE_STALE');
  expect(codeOf(() => former.memory)).toBe('ERR_SLICE_STALE');
  expect(codeOf(() => former.slice)).toBe('ERR_SLICE_STALE');
  expect(codeOf(() => former.metadata)).toBe('ERR_SLICE_STALE');
  expect(codeOf(() => former.resize(1))).toBe('ERR_SLICE_STALE');
  expect(codeOf(() => former.markCorrupted())).toBe('ERR_SLICE_STALE');
  expect(codeOf(() => pool.put(former))).toBe('ERR_SLICE_STALE');
  former[Symbol.dispose]();
  expect(current.state).toBe('in-use');
  expect(pool.statistics().active).toBe(1);
});

test('leaving its scope releases a buffer', () => {
  const { pool } = make();
  {
    using buffer = pool.get();
    expect(buffer.state).toBe('in-use');
  }
  expect(pool.statistics()).toMatchObject({ active: 0, currentSize: 1 });
});

test('a buffer is idle, in use, returned; expired, or corrupted', () => {
  const { pool, factory, clock } = make({ maxAgeMs: 10 });
  const buffer = pool.get();
  expect(buffer.state).toBe('in-use');
  buffer.release();
  expect(buffer.state).toBe('returned');
  // Those that the factory was shown: one that came back, and one that was about to go out.
  expect(factory.validated).toEqual(['returned']);
  const again = pool.get();
  expect(factory.validated).toEqual(['returned', 'idle']);
  clock.ms += 11;
  again.release();
  expect(again.state).toBe('expired');
  const unfit = pool.get();
  factory.unfit.add(unfit.id);
  unfit.release();
  expect(unfit.state).toBe('corrupted');
  expect(factory.destroyed.map(({ state }) => state)).toEqual(['expired', 'corrupted']);
});

test('all figures of a run counted by hand', () => {
  const { pool, factory } = make({ initialSize: 2, maxSize: 3, growthFactor: 1 });
  expect(pool.statistics()).toEqual({
    buffersCreated: 2,
    buffersRetrieved: 0,
    buffersReturned: 0,
    buffersDestroyed: 0,
    buffersCorrupted: 0,
    hits: 0,
    misses: 0,
    hitRate: 1,
    missRate: 0,
    memoryUsage: 200,
    peakMemoryUsage: 200,
    currentSize: 2,
    peakSize: 2,
    active: 0,
    recentPeak: 0,
  });
  const buffers = getMany(pool, 5); // two from the stock, three made
  for (const buffer of buffers.slice(0, 4)) buffer.release(); // three kept, one more than that
  factory.unfit.add(pool.get().id); // from the stock, and unfit when it comes back
  const [, , , , fifth] = buffers;
  fifth!.release();
  expect(pool.statistics()).toEqual({
    buffersCreated: 5,
    buffersRetrieved: 6,
    buffersReturned: 5,
    buffersDestroyed: 1,
    buffersCorrupted: 0,
    hits: 3,
    misses: 3,
    hitRate: 0.5,
    missRate: 0.5,
    memoryUsage: 400,
    peakMemoryUsage: 500,
    currentSize: 3,
    peakSize: 3,
    active: 1,
    recentPeak: 5,
  });
});

test('a get from the stock is a hit, however many buffers were made, and one that is made is a miss', () => {
  const { pool } = make();
  for (let i = 0; i < 10; i++) pool.get().release();
  expect(pool.statistics()).toMatchObject({ hits: 9, misses: 1, hitRate: 0.9 });
  expect(pool.statistics().missRate).toBeCloseTo(0.1);
});

test('initialSize buffers are there beforehand, as far as memory is to be had', () => {
  expect(make({ initialSize: 4 }).pool.currentSize).toBe(4);
  const little = new Workshop();
  little.left = 3;
  expect(make({ initialSize: 4 }, little).pool.currentSize).toBe(3);
});

test('a factory that throws while the stock is filled leaves nothing behind', () => {
  const { pools, live } = realPools();
  const factory = new DefaultBufferFactory(pools);
  let made = 0;
  const create: typeof factory.create = (...args) => {
    if (++made > 3) throw new RangeError('broken');
    return factory.create(...args);
  };
  const broken = Object.assign(Object.create(factory) as DefaultBufferFactory, {
    create,
    destroy: (buffer: ManagedBuffer) => factory.destroy(buffer),
  });
  expect(() => new SizedBufferPool('small', SIZE, { initialSize: 4 }, broken)).toThrow('broken');
  expect(live()).toBe(0);
});

test('no more than maxSize are kept', () => {
  const { pool, factory } = make({ maxSize: 2 });
  for (const buffer of getMany(pool, 5)) buffer.release();
  expect(pool.statistics()).toMatchObject({ currentSize: 2, peakSize: 2, buffersDestroyed: 3 });
  expect(factory.destroyed.map(({ state }) => state)).toEqual(['returned', 'returned', 'returned']);
});

test.each<[number, number[]]>([
  [1, [1, 2, 3, 4, 5]],
  [1.5, [1, 2, 3, 5, 5]],
  [2, [1, 2, 4, 4, 8]],
  [8, [1, 8, 8, 8, 8]],
])('an empty stock with growthFactor %d grows in these steps', (growthFactor, totals) => {
  const { pool } = make({ growthFactor });
  const seen = totals.map(() => {
    pool.get();
    return pool.statistics().buffersCreated;
  });
  expect(seen).toEqual(totals);
});

test('growth stops where memory does, and where the stock is full', () => {
  const little = new Workshop();
  little.left = 3;
  const { pool } = make({ growthFactor: 8 }, little);
  getMany(pool, 3);
  expect(pool.statistics()).toMatchObject({ active: 3, currentSize: 0, buffersCreated: 3 });
  expect(codeOf(() => pool.get())).toBe('ERR_POOL_EXHAUSTED');
  const { pool: small } = make({ growthFactor: 8, maxSize: 2 });
  getMany(small, 2);
  expect(small.statistics()).toMatchObject({ active: 2, currentSize: 2 });
});

test('what is made for the stock before a factory throws is kept, and what was made for the get too', () => {
  const { pool, factory } = make({ growthFactor: 8 });
  pool.get();
  let made = 0;
  const create = factory.create.bind(factory);
  factory.create = (...args) => {
    if (++made > 3) throw new RangeError('broken');
    return create(...args);
  };
  expect(() => pool.get()).toThrow('broken');
  expect(pool.statistics()).toMatchObject({ active: 1, currentSize: 3, buffersCreated: 4 });
});

test('a pool shrinks to what it needs when less than shrinkThreshold of it has been needed lately', () => {
  const { pool, factory } = make({ initialSize: 1, shrinkThreshold: 0.3, growthFactor: 1.5 });
  for (const buffer of getMany(pool, 20)) buffer.release();
  const total = pool.currentSize;
  expect(total).toBeGreaterThanOrEqual(20);
  for (let i = 0; i < 10; i++) expect(pool.upkeep()).toBe(0); // twenty at once were needed lately
  const held = getMany(pool, 4);
  expect(pool.upkeep()).toBe(total - 6); // 4 of 20 and more is less than 30 %: 1.5 × 4 stay
  expect(pool.statistics()).toMatchObject({ active: 4, currentSize: 2 });
  expect(new Set(factory.destroyed.map(({ state }) => state))).toEqual(new Set(['idle']));
  for (const buffer of held) buffer.release();
  for (let i = 0; i < 10; i++) pool.upkeep();
  expect(pool.upkeep()).toBe(5);
  expect(pool.currentSize).toBe(1); // initialSize
});

test('a pool that shrinks never is as large as it ever was', () => {
  const { pool } = make({ shrinkThreshold: 0, growthFactor: 1 });
  for (const buffer of getMany(pool, 20)) buffer.release();
  for (let i = 0; i < 20; i++) expect(pool.upkeep()).toBe(0);
  expect(pool.currentSize).toBe(20);
});

test('what shrinking takes is what was used longest ago', () => {
  const { pool, factory } = make({ growthFactor: 1, shrinkThreshold: 1 });
  const [first, second, third] = getMany(pool, 3);
  for (const buffer of [second!, first!, third!]) buffer.release();
  for (let i = 0; i < 10; i++) pool.upkeep();
  pool.get().release();
  pool.upkeep();
  expect(factory.destroyed.map(({ id }) => id)).toEqual([second!.id, first!.id]);
});

test('validateOnGet finds what went bad in stock, and the next one is handed out', () => {
  const { pool, factory, events } = make({ growthFactor: 1 });
  const [first, second] = getMany(pool, 2);
  first!.release();
  second!.release();
  factory.unfit.add(second!.id);
  expect(pool.get().id).toBe(first!.id);
  expect(pool.statistics()).toMatchObject({ buffersCorrupted: 1, buffersDestroyed: 1, hits: 1 });
  expect(inShort(events).slice(-3)).toEqual(['corruption 2', 'destroyed 2', 'retrieved 1']);
});

test('without validateOnGet nobody looks before', () => {
  const { pool, factory } = make({ validateOnGet: false, validateOnPut: false });
  pool.get().release();
  pool.get().release();
  expect(factory.validated).toEqual([]);
});

test('validateOnPut keeps what went bad in use out of the stock', () => {
  const { pool, factory } = make({ validateOnGet: false });
  const buffer = pool.get();
  factory.unfit.add(buffer.id);
  buffer.release();
  expect(factory.destroyed).toEqual([{ id: buffer.id, state: 'corrupted' }]);
  expect(pool.statistics()).toMatchObject({ buffersCorrupted: 1, currentSize: 0, memoryUsage: 0 });
});

test('what is marked is destroyed, even where nobody validates', () => {
  const { pool, events } = make({ validateOnGet: false, validateOnPut: false });
  const buffer = pool.get();
  buffer.markCorrupted();
  expect(buffer.state).toBe('corrupted');
  expect(buffer.bytes.byteLength).toBe(SIZE);
  buffer.release();
  expect(pool.statistics()).toMatchObject({ buffersCorrupted: 1, currentSize: 0, active: 0 });
  expect(inShort(events).slice(-3)).toEqual(['returned 1', 'corruption 1', 'destroyed 1']);
});

test('a validation that throws is a failed one, and its error is told', () => {
  const { pool, factory, events } = make();
  const error = new Error('bad sum');
  factory.throws.validate = error;
  pool.get().release();
  expect(pool.currentSize).toBe(0);
  const corruption = events.find(({ eventType }) => eventType === 'corruption');
  expect(corruption).toMatchObject({ success: false, error });
});

test('resetOnPut makes a buffer ready for the next user', () => {
  const { pool, factory } = make();
  const buffer = pool.get();
  buffer.bytes.fill(7);
  buffer.release();
  expect(factory.resets).toEqual([buffer.id]);
  expect(pool.get().bytes.every((byte) => byte === 0)).toBe(true);
});

test('without resetOnPut the next user finds what the last one left', () => {
  const { pool } = make({ resetOnPut: false });
  const buffer = pool.get();
  buffer.bytes.fill(7);
  buffer.metadata.set('tag', 'mine');
  buffer.release();
  const next = pool.get();
  expect(next.bytes.every((byte) => byte === 7)).toBe(true);
  expect(next.metadata.get('tag')).toBe('mine');
});

test('what is not kept is not reset', () => {
  const { pool, factory } = make({ maxSize: 0 });
  pool.get().release();
  expect(factory.resets).toEqual([]);
});

test('a reset that throws is a corruption', () => {
  const { pool, factory } = make();
  factory.throws.reset = new Error('stuck');
  const buffer = pool.get();
  buffer.release();
  expect(buffer.state).toBe('corrupted');
  expect(pool.statistics()).toMatchObject({ buffersCorrupted: 1, currentSize: 0 });
});

test('what is older than maxAgeMs is not kept, not handed out, and goes at the next upkeep', () => {
  const { pool, clock, factory } = make({ maxAgeMs: 10, growthFactor: 1 });
  const [first, second, third] = getMany(pool, 3);
  first!.release();
  second!.release();
  clock.ms += 10;
  third!.release(); // just as old as it may be
  expect(pool.currentSize).toBe(3);
  clock.ms += 1;
  expect(pool.get().id).toBe(4);
  expect(factory.destroyed.map(({ state }) => state)).toEqual(['expired', 'expired', 'expired']);
  pool.get().release();
  clock.ms += 11;
  expect(pool.upkeep()).toBe(1);
  expect(pool.statistics()).toMatchObject({ buffersDestroyed: 4, currentSize: 0, hits: 0 });
});

test('a stock may be as large as anybody wants it', () => {
  const { pool, clock } = make({ initialSize: 200_000, maxAgeMs: 10 });
  clock.ms += 5;
  pool.configure({ initialSize: 200_001, maxSize: 200_001, maxAgeMs: 10 });
  clock.ms += 6;
  expect(pool.upkeep()).toBe(200_000);
  expect(pool.currentSize).toBe(1);
});

test('a buffer that cannot be destroyed counts as destroyed, and the error is told', () => {
  const { pool, factory, events } = make({ maxSize: 0 });
  const error = new Error('stuck');
  factory.throws.destroy = error;
  pool.get().release();
  expect(events.at(-1)).toMatchObject({ eventType: 'destroyed', success: false, error });
  expect(pool.statistics()).toMatchObject({ buffersDestroyed: 1, memoryUsage: 0 });
});

test('where nobody listens the console says that a buffer could not be destroyed', () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const factory = new Workshop();
  const pool = new SizedBufferPool('small', SIZE, { maxSize: 0 }, factory);
  const error = new Error('stuck');
  factory.throws.destroy = error;
  pool.get().release();
  expect(said.mock.calls).toEqual([[error]]);
  said.mockRestore();
});

test('a listener that throws harms nobody', () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const error = new Error('deaf');
  const ledger = new BufferLedger({
    onEvent: () => {
      throw error;
    },
  });
  const pool = new SizedBufferPool('small', SIZE, {}, new Workshop(), ledger);
  pool.get().release();
  expect(pool.statistics()).toMatchObject({ buffersReturned: 1, currentSize: 1 });
  expect(said.mock.calls).toEqual([[error], [error], [error], [error]]);
  said.mockRestore();
});

test('events tell the whole life of a buffer, with what the reference says of each', () => {
  const { pool, clock, events } = make({ maxAgeMs: 20 });
  const buffer = pool.get(30);
  clock.ms += 5;
  buffer.resize(60);
  buffer.metadata.set('tag', 'upload');
  clock.ms += 7;
  buffer.release();
  clock.ms += 9;
  pool.upkeep();
  const common = { bufferId: 1, class: 'small', success: true, error: undefined };
  const tagged = { ...common, metadata: expect.any(Map) as Map<string, unknown> };
  expect(events).toEqual([
    {
      ...tagged,
      eventType: 'allocated',
      size: SIZE,
      timestamp: 1_000_000,
      durationMs: 0,
      metadata: undefined,
    },
    {
      ...tagged,
      eventType: 'retrieved',
      size: 30,
      timestamp: 1_000_000,
      durationMs: 0,
      metadata: undefined,
    },
    {
      ...tagged,
      eventType: 'resized',
      size: 60,
      timestamp: 1_000_005,
      durationMs: 0,
      metadata: undefined,
    },
    { ...tagged, eventType: 'returned', size: 60, timestamp: 1_000_012, durationMs: 12 },
    { ...tagged, eventType: 'reset', size: 60, timestamp: 1_000_012, durationMs: 0 },
    { ...tagged, eventType: 'destroyed', size: SIZE, timestamp: 1_000_021, durationMs: 21 },
  ]);
});

test('within its capacity a buffer is resized where it is', () => {
  const { pool } = make();
  const buffer = pool.get(10);
  buffer.bytes.set([1, 2, 3]);
  const { buffer: memory, byteOffset } = buffer.bytes;
  expect(buffer.resize(SIZE)).toBe(buffer);
  expect([...buffer.bytes.subarray(0, 3)]).toEqual([1, 2, 3]);
  expect(buffer.bytes).toMatchObject({ buffer: memory, byteOffset, byteLength: SIZE });
  expect([...buffer.resize(2).bytes]).toEqual([1, 2]);
});

test.each([0, -1, 1.5, NaN, Infinity, '10', null, SIZE + 1])(
  'a pool of its own gives no buffer of %s bytes, and makes none of that size',
  (size) => {
    const { pool } = make();
    expect(codeOf(() => pool.get(size as number))).toBe('ERR_SIZE');
    const buffer = pool.get();
    expect(codeOf(() => buffer.resize(size as number))).toBe('ERR_SIZE');
    expect(buffer.size).toBe(SIZE);
    expect(pool.statistics()).toMatchObject({ buffersRetrieved: 1, active: 1 });
  },
);

test.each([0, -1, 1.5, NaN, '10'])('a pool of buffers of %s bytes is refused', (size) => {
  const error = thrownBy(() => new SizedBufferPool('small', size as number, {}, new Workshop()));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(`buffer size of ${size}`);
});

test("another pool's buffer is not taken back", () => {
  const { pool } = make();
  const foreign = make().pool.get();
  expect(codeOf(() => pool.put(foreign))).toBe('ERR_SLICE_FOREIGN');
  expect(foreign.state).toBe('in-use');
});

test('a buffer shorter than its size is an error of its factory', () => {
  const { pool, factory } = make();
  factory.create = () => ({ bytes: new Uint8Array(3), memoryBytes: 3 });
  const buffer = pool.get();
  expect(thrownBy(() => buffer.bytes)).toMatchObject({ code: 'ERR_SIZE' });
  buffer.release();
});

test('a pool is configured while it is in use', () => {
  const { pool } = make({ initialSize: 4 });
  const buffer = pool.get();
  pool.configure({ initialSize: 1, maxSize: 1 });
  expect(pool.currentSize).toBe(1);
  buffer.release();
  expect(pool.currentSize).toBe(1);
  pool.configure({ initialSize: 3 });
  expect(pool.currentSize).toBe(3);
  expect(pool.settings).toMatchObject({ initialSize: 3, maxSize: 64 });
  expect(codeOf(() => pool.configure({ maxSize: -1 }))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => pool.configure({}, 0))).toBe('ERR_INVALID_ARG');
  expect(pool.settings).toMatchObject({ initialSize: 3, maxSize: 64 });
});

test('buffers of a former size go when they come back', () => {
  const { pool, factory } = make({ initialSize: 2 });
  const former = pool.get();
  pool.configure({ initialSize: 2 }, 200);
  expect(pool.bufferSize).toBe(200);
  expect(pool.statistics()).toMatchObject({ active: 1, currentSize: 1, memoryUsage: 300 });
  former.release();
  expect(pool.statistics()).toMatchObject({ active: 0, currentSize: 1, memoryUsage: 200 });
  expect(factory.destroyed.map(({ id }) => id)).toEqual([1, former.id]);
  expect(pool.get().capacity).toBe(200);
});

test('a pool of its own keeps itself up once a second while it is in use', () => {
  let ms = 0;
  const now = vi.spyOn(performance, 'now').mockImplementation(() => ms);
  const config = { maxAgeMs: 700, growthFactor: 1 };
  const pool = new SizedBufferPool('small', SIZE, config, new Workshop());
  const old = getMany(pool, 2);
  ms = 600;
  const young = pool.get();
  for (const buffer of [...old, young]) buffer.release();
  ms = 999;
  pool.get().release(); // the young one, which lies on top
  expect(pool.statistics()).toMatchObject({ currentSize: 3, buffersDestroyed: 0 });
  ms = 1000;
  pool.get().release();
  expect(pool.statistics()).toMatchObject({ currentSize: 1, buffersDestroyed: 2 });
  now.mockRestore();
});

function realPools(memory = 8 * 2 ** 20) {
  const pools = BufferPools.create({ memory }, OWNER);
  return { pools, live: (): number => pools.stats().slices.live };
}

test('by default buffers are slices, held while they are in stock, and drained when told', () => {
  const { pools, live } = realPools();
  const pool = new SizedBufferPool(
    'small',
    5000,
    { initialSize: 2 },
    new DefaultBufferFactory(pools),
  );
  expect(live()).toBe(2);
  const buffer = pool.get(10);
  expect(buffer.slice).toMatchObject({ byteLength: 5000, live: true });
  expect(buffer.memoryBytes).toBe(16384);
  buffer.release();
  expect(live()).toBe(2);
  expect(pool.drain()).toBe(2);
  expect(live()).toBe(0);
});

test.each<[string, (buffer: ManagedBuffer) => void]>([
  ['released', ({ slice }) => slice!.release()],
  ['handed over', ({ slice }) => slice!.handOver()],
  ['resized', ({ slice }) => slice!.resize(10)],
])('a buffer whose slice was %s is corrupted', (_, spoil) => {
  const { pools } = realPools();
  const pool = new SizedBufferPool('small', 4096, {}, new DefaultBufferFactory(pools));
  const buffer = pool.get();
  spoil(buffer);
  buffer.release();
  expect(buffer.state).toBe('corrupted');
  expect(pool.statistics()).toMatchObject({ buffersCorrupted: 1, currentSize: 0 });
  expect(pool.get().bytes.byteLength).toBe(4096);
});

test('a slice that is corrupted in stock is not handed out, and no slice is lost', () => {
  const { pools, live } = realPools();
  const pool = new SizedBufferPool('small', 4096, {}, new DefaultBufferFactory(pools));
  const buffer = pool.get();
  const { slice } = buffer;
  buffer.release();
  slice!.release();
  expect(pool.get().slice).not.toBe(slice);
  expect(pool.statistics()).toMatchObject({ hits: 0, misses: 2, buffersCorrupted: 1 });
  expect(live()).toBe(1);
});

test('when all memory is lent, a get says so, and the pool is as it was', () => {
  const { pools } = realPools();
  const pool = new SizedBufferPool('huge', 4 * 2 ** 20, {}, new DefaultBufferFactory(pools));
  const [first] = getMany(pool, 2);
  const error = thrownBy(() => pool.get());
  expect(error).toBeInstanceOf(MillraceError);
  expect(error.code).toBe('ERR_POOL_EXHAUSTED');
  expect(pool.statistics()).toMatchObject({ active: 2, buffersRetrieved: 2, misses: 2 });
  first!.release();
  expect(pool.get().id).toBe(first!.id);
});
