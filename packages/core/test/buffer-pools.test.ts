import { BufferPools, SIZE_CLASSES, type Slice, type ThreadId } from '@millrace/core';
import { expect, test } from 'vitest';
import { expectSound } from './audit.ts';
import { OWNER, bytesIn, createTable, join, leaseEverything } from './memory.ts';
import { codeOf, thrownBy } from './thrown.ts';

const MiB = 1024 * 1024;
const SLAB_BYTES = 4 * MiB;

function pools(memory = 2 * SLAB_BYTES): BufferPools {
  return BufferPools.create({ memory }, 0);
}

test('new pools hold nothing yet and tell so', () => {
  expect(pools(9 * MiB).stats()).toEqual({
    memoryBytes: 8 * MiB,
    openBytes: 0,
    arena: { kind: 'wasm' },
    slices: { leased: 0, returned: 0, swept: 0, live: 0 },
  });
});

test.each([
  0,
  -1,
  SLAB_BYTES - 1,
  SLAB_BYTES + 0.5,
  NaN,
  Infinity,
  1e20,
  2 ** 43 + 1,
  '8388608',
  '',
  null,
  undefined,
  8388608n,
])('a "memory" of %s is refused by its name', (memory) => {
  const error = thrownBy(() => BufferPools.create({ memory: memory as number }, 0));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(`"memory" of ${String(memory)}`);
});

test.each([-1, 0.5, NaN, Infinity, 1e9, '3', null])(
  '"counters" of %s are refused by their name',
  (counters) => {
    const create = (): unknown =>
      BufferPools.create({ memory: SLAB_BYTES, counters: counters as number }, 0);
    expect(thrownBy(create).code).toBe('ERR_INVALID_ARG');
    expect(thrownBy(create).message).toContain(`"counters" of ${String(counters)}`);
  },
);

test('the smallest memory is one slab', () => {
  const smallest = pools(SLAB_BYTES);
  expect(smallest.stats().memoryBytes).toBe(SLAB_BYTES);
  expect(smallest.acquire(SLAB_BYTES).bytes.byteLength).toBe(SLAB_BYTES);
});

test.each([
  0,
  -1,
  NaN,
  1.5,
  2 * SLAB_BYTES + 1,
  SLAB_BYTES + 0.5,
  Infinity,
  '4096',
  4096n,
  undefined,
])('a slice of %s bytes is refused and nothing is counted', async (bytes) => {
  const buffers = pools();
  expect(codeOf(() => buffers.acquire(bytes as number))).toBe('ERR_SIZE');
  expect(codeOf(() => buffers.acquire(bytes as number, { timeoutMs: 9 }))).toBe('ERR_SIZE');
  expect(codeOf(() => buffers.tryAcquire(bytes as number))).toBe('ERR_SIZE');
  await expect(buffers.acquireAsync(bytes as number)).rejects.toMatchObject({ code: 'ERR_SIZE' });
  expect(buffers.stats().slices.leased).toBe(0);
  expect(buffers.stats().openBytes).toBe(0);
});

test('a slice has the length that was asked for, on shared memory that other threads see', () => {
  const table = createTable(8);
  const [mine, theirs] = [join(table), join(table)];
  for (const bytes of SIZE_CLASSES.flatMap((size) => [size - 1, size])) {
    using slice = mine.acquire(bytes);
    expect(slice.byteLength).toBe(bytes);
    expect(slice.bytes.byteLength).toBe(bytes);
    expect(slice.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    slice.bytes[bytes - 1] = 77;
    expect(theirs.viewOf(slice.ref, bytes)[bytes - 1]).toBe(77);
  }
});

test('a slice is released when its block ends, by whichever way', () => {
  const buffers = pools();
  let kept: Slice;
  {
    using slice = buffers.acquire(100);
    kept = slice;
    expect(slice.live).toBe(true);
  }
  expect(kept.live).toBe(false);
  expect(() => {
    using slice = buffers.acquire(100);
    kept = slice;
    throw new RangeError('on the way');
  }).toThrow('on the way');
  expect(kept.live).toBe(false);
  expect(buffers.stats().slices).toEqual({ leased: 2, returned: 2, swept: 0, live: 0 });
});

test('a slice disposes of itself as release does', () => {
  const buffers = pools();
  const slice = buffers.acquire(1);
  slice[Symbol.dispose]();
  expect(slice.live).toBe(false);
  expect(codeOf(() => slice.release())).toBe('ERR_SLICE_STALE');
});

test('a second release is refused, also when somebody else has the slot by then', () => {
  const table = createTable(1);
  const buffers = join(table);
  const slice = buffers.acquire(MiB);
  slice.release();
  expect(codeOf(() => slice.release())).toBe('ERR_SLICE_STALE');
  expect(thrownBy(() => slice.release()).message).toContain(`1048576 bytes in slot ${slice.ref} `);

  const next = buffers.acquire(MiB);
  expect(next.ref).toBe(slice.ref);
  next.bytes[0] = 5;
  expect(codeOf(() => slice.release())).toBe('ERR_SLICE_STALE');
  expect([slice.live, next.live, next.bytes[0]]).toEqual([false, true, 5]);
  expect(buffers.stats().slices).toEqual({ leased: 2, returned: 1, swept: 0, live: 1 });
  expectSound(table, [next.ref]);
});

test('the slice of another memory, or one that another thread does not share, is refused and stays leased', () => {
  const table = createTable(1);
  const [mine, theirs] = [join(table), join(table)];
  const strangers = pools();
  const slice = mine.acquire(MiB);
  expect(codeOf(() => strangers.adopt(slice))).toBe('ERR_SLICE_STALE');
  for (const others of [theirs, strangers]) {
    expect(codeOf(() => others.join(slice))).toBe('ERR_SLICE_STALE');
  }
  expect(slice.live).toBe(true);
  expectSound(table, [slice.ref]);
  expect(mine.stats().slices.live).toBe(1);
  expect(strangers.stats().slices).toEqual({ leased: 0, returned: 0, swept: 0, live: 0 });
  slice.release();
});

test('a slice object that has given up its lease stands for none, whoever has the slot by then', () => {
  const table = createTable(1);
  const [mine, theirs] = [join(table), join(table)];
  const [released, handed] = [mine.acquire(MiB), mine.acquire(MiB)];
  released.release();
  const adopted = theirs.adopt(handed.handOver());
  const next = theirs.acquire(MiB);
  expect([next.ref, adopted.ref]).toEqual([released.ref, handed.ref]);
  for (const slice of [released, handed]) {
    expect([slice.lease, slice.live]).toEqual([0, false]);
    expect(codeOf(() => slice.bytes)).toBe('ERR_SLICE_STALE');
    expect(codeOf(() => slice.release())).toBe('ERR_SLICE_STALE');
  }
  expectSound(table, [next.ref, adopted.ref]);
});

test.each(SIZE_CLASSES)(
  'all memory can be leased as slices of %i bytes, again and again',
  (bytes) => {
    const buffers = pools();
    for (let round = 0; round < 3; round++) {
      const slices: Slice[] = [];
      for (let lent = 0; lent < 2 * SLAB_BYTES; lent += bytes) slices.push(buffers.acquire(bytes));
      expect(new Set(slices.map((slice) => slice.bytes.byteOffset)).size).toBe(slices.length);
      expect(buffers.tryAcquire(bytes)).toBeUndefined();
      const error = thrownBy(() => buffers.acquire(bytes));
      expect(error.code).toBe('ERR_POOL_EXHAUSTED');
      expect(error.message).toContain('"memory"');
      expect(buffers.stats().slices.live).toBe(slices.length);
      for (const slice of slices) slice.release();
      expect(buffers.stats().slices.live).toBe(0);
    }
  },
);

test('whatever sizes were leased before, all memory is lent in the end', () => {
  const buffers = pools(4 * SLAB_BYTES);
  for (const bytes of [1, MiB, 5000]) buffers.acquire(bytes).release();
  expect(bytesIn(leaseEverything(buffers))).toBe(4 * SLAB_BYTES);
});

test('a refused lease counts nothing', () => {
  const buffers = pools(SLAB_BYTES);
  buffers.acquire(SLAB_BYTES);
  expect(buffers.tryAcquire(1)).toBeUndefined();
  expect(buffers.stats().slices).toEqual({ leased: 1, returned: 0, swept: 0, live: 1 });
});

test('who waits for a release is woken by the next one, once', async () => {
  const buffers = pools(SLAB_BYTES);
  const slice = buffers.acquire(SLAB_BYTES);
  let woken = 0;
  const waits = [buffers.released(), buffers.released()].map((wait) => wait.then(() => woken++));
  await Promise.resolve();
  expect(woken).toBe(0);
  slice.release();
  await Promise.all(waits);
  expect(woken).toBe(2);
});

test('a thread that was never registered, or is buried, cannot attach', () => {
  const table = createTable(1);
  const { thread, registry, handle } = join(table);
  for (const id of [0, 2, 127, 128, -1, 1.5, NaN, undefined, '1']) {
    expect(codeOf(() => BufferPools.attach(handle, id as ThreadId))).toBe('ERR_BAD_HANDLE');
  }
  expect(BufferPools.attach(handle, thread).thread).toBe(thread);
  registry.bury(thread, OWNER);
  expect(codeOf(() => BufferPools.attach(handle, thread))).toBe('ERR_BAD_HANDLE');
});

test('memory may be attached again in the same thread, and both see the same', () => {
  const table = createTable(1);
  const first = join(table);
  const second = BufferPools.attach(first.handle, first.thread);
  const [one, other] = [first.acquire(MiB), second.acquire(MiB)];
  expect(one.ref).not.toBe(other.ref);
  one.release();
  // A slice belongs to the view that lent it; the other has it by its handle.
  const moved = first.adopt(other.handOver());
  expect(codeOf(() => other.release())).toBe('ERR_SLICE_STALE');
  moved.release();
  expect(second.stats()).toEqual(first.stats());
  expect(first.stats().slices).toEqual({ leased: 2, returned: 2, swept: 0, live: 0 });
});

test("the caller's own counters are not disturbed by what the pools count", () => {
  const buffers = BufferPools.create({ memory: SLAB_BYTES, counters: 2 }, 0);
  buffers.count(buffers.counters.at(buffers.thread, 0), 10);
  buffers.count(buffers.counters.at(buffers.thread, 1), 7);
  buffers.acquire(1);
  expect([buffers.counters.sum(0), buffers.counters.sum(1)]).toEqual([10, 7]);
  expect(buffers.stats().slices).toEqual({ leased: 1, returned: 0, swept: 0, live: 1 });
});
