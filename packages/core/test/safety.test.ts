/** Watched slices: canaries, poison and leak reports, at each level of safety. */
import type { BufferPools, MillraceError, SafetyLevel, Slice } from '@millrace/core';
import { CORRUPTED, stateOf, type SlabTable } from '@millrace/core/internal';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test, vi } from 'vitest';
import { wordOf } from './audit.ts';
import { OWNER, createTable, join } from './memory.ts';
import { codeOf, thrownBy } from './thrown.ts';

const MiB = 1024 * 1024;
/** Of a canary, before a slice and after it. */
const CANARY_BYTES = 16;

interface Watched {
  table: SlabTable;
  pools: BufferPools;
  others: BufferPools;
  reports: MillraceError[];
}

function start(safety: SafetyLevel, slabs = 2): Watched {
  const table = createTable(slabs, { safety });
  const reports: MillraceError[] = [];
  const hooks = { onReport: (error: MillraceError) => void reports.push(error) };
  return { table, pools: join(table, hooks), others: join(table, hooks), reports };
}

/** Writes where nobody may: `at` counts from the beginning of the slice. */
function writeAt({ bytes }: Slice, at: number): void {
  const byte = new Uint8Array(bytes.buffer, bytes.byteOffset + at, 1);
  byte[0] = byte[0]! ^ 0xff;
}

test.each([1, 4096, 5000, MiB, 4 * MiB, 5 * MiB])(
  'writing within a slice of %i bytes, up to its last, is nobody’s business',
  (bytes) => {
    const { pools, reports } = start('full', 4);
    for (let round = 0; round < 3; round++) {
      const slice = pools.acquire(bytes);
      slice.bytes.fill(round);
      slice.release();
    }
    expect(reports).toEqual([]);
    expect(pools.stats().slices).toEqual({ leased: 3, returned: 3, swept: 0, live: 0 });
  },
);

test.each([1, 4096, 5000, MiB, 4 * MiB, 5 * MiB])(
  'who wrote beyond the ends of %i bytes is told on release, and the slot is lent no more',
  (bytes) => {
    for (const at of [-1, -CANARY_BYTES, bytes, bytes + CANARY_BYTES - 1]) {
      const { table, pools, reports } = start('full', 4);
      const slice = pools.acquire(bytes);
      writeAt(slice, at);
      const error = thrownBy(() => slice.release());
      expect(error.code).toBe('ERR_SLICE_OVERRUN');
      expect(error.message).toContain(`${bytes} bytes in slot ${slice.ref}`);
      expect(error.message, 'it tells where the slice was leased').toContain('safety.test');
      expect(slice.live).toBe(false);
      expect(codeOf(() => slice.release())).toBe('ERR_SLICE_STALE');
      expect(stateOf(wordOf(table, slice.ref))).toBe(CORRUPTED);
      const next = pools.tryAcquire(bytes);
      if (next) expect(next.ref).not.toBe(slice.ref);
      expect(pools.stats().slices.live).toBe(next ? 1 : 0);
      expect(reports).toEqual([]);
    }
  },
);

test('an overrun is noticed after the slice was resized, at its new end', () => {
  const { pools } = start('full');
  const slice = pools.acquire(4096);
  slice.resize(100);
  slice.bytes.fill(1);
  writeAt(slice, 100);
  expect(codeOf(() => slice.release())).toBe('ERR_SLICE_OVERRUN');
  const moved = pools.acquire(4096).resize(5000);
  writeAt(moved, 5000);
  expect(codeOf(() => moved.release())).toBe('ERR_SLICE_OVERRUN');
});

test.each([10, 100, 200, 4096])(
  'an overrun of 100 bytes is still told on release when the slice was resized to %i meanwhile',
  (bytes) => {
    for (const at of [-1, 100]) {
      const { pools } = start('full');
      const slice = pools.acquire(100);
      writeAt(slice, at);
      slice.resize(bytes);
      slice.bytes.fill(1);
      expect(codeOf(() => slice.release())).toBe('ERR_SLICE_OVERRUN');
    }
  },
);

test('an overrun before a hand-over is told to who adopted the slice', () => {
  const { pools, others } = start('full');
  const slice = pools.acquire(100);
  writeAt(slice, 100);
  const adopted = others.adopt(slice.handOver());
  expect(codeOf(() => adopted.release())).toBe('ERR_SLICE_OVERRUN');
});

test('an overrun by another thread is told to who adopted the slice', () => {
  const { pools, others } = start('full');
  const adopted = others.adopt(pools.acquire(100).handOver());
  writeAt(adopted, 100);
  expect(codeOf(() => adopted.release())).toBe('ERR_SLICE_OVERRUN');
});

test.each([100, 4096, MiB])('a write to %i bytes after their release is reported once', (bytes) => {
  const { table, pools, reports } = start('full');
  const slice = pools.acquire(bytes);
  const { ref, bytes: kept } = slice;
  slice.release();
  kept[bytes - 1]! ^= 1;
  const next = pools.acquire(bytes);
  expect(next.ref, 'the slot is lent no more').not.toBe(ref);
  expect(reports.map(({ code }) => code)).toEqual(['ERR_SLICE_LATE_WRITE']);
  expect(reports[0]!.message).toContain(`Slot ${ref}`);
  expect(stateOf(wordOf(table, ref))).toBe(CORRUPTED);
  next.release();
  for (let i = 0; i < 4; i++) pools.acquire(bytes).release();
  expect(reports).toHaveLength(1);
  expect(pools.stats().slices.live).toBe(0);
});

test('a slot that serves another class after its slab was retired is not taken for one written to', () => {
  const { pools, reports } = start('full', 1);
  for (const bytes of [MiB, 4096, 4 * MiB, 65536, 5000, MiB]) {
    const slices = [pools.acquire(bytes)];
    for (const slice of slices) slice.bytes.fill(bytes & 0xff);
    for (const slice of slices) slice.release();
  }
  expect(reports).toEqual([]);
});

test('of 128 slices `sampled` watches one, `full` all and `off` none', () => {
  for (const [safety, watched] of [
    ['off', 0],
    ['sampled', 2],
    ['full', 256],
  ] as const) {
    const { pools } = start(safety);
    let noticed = 0;
    for (let i = 0; i < 256; i++) {
      const slice = pools.acquire(100);
      writeAt(slice, 100);
      try {
        slice.release();
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_SLICE_OVERRUN' });
        noticed++;
      }
    }
    expect([safety, noticed]).toEqual([safety, watched]);
  }
});

test('watched slices that are held for long are told, with who holds them and where from', () => {
  const { pools, others } = start('full');
  const mine = pools.acquire(100);
  const theirs = others.acquire(MiB);
  pools.acquire(1).release();
  expect(pools.leaks(Infinity)).toEqual([]);
  const leaks = pools.leaks(0);
  expect(leaks.map(({ ref, byteLength, thread }) => ({ ref, byteLength, thread }))).toEqual([
    { ref: mine.ref, byteLength: 100, thread: pools.thread },
    { ref: theirs.ref, byteLength: MiB, thread: others.thread },
  ]);
  expect(leaks[0]!.trace!.created).toContain('safety.test');
  expect(leaks[1]!.trace).toBeUndefined();
  mine.release();
  pools.sweep(others.thread, OWNER);
  expect(pools.leaks(0)).toEqual([]);
});

test.each(['off', 'sampled'] as const)(
  'nothing is told of slices that `%s` does not watch',
  (s) => {
    const { pools } = start(s);
    for (let i = 0; i < 10; i++) pools.acquire(100);
    expect(pools.leaks(0).length).toBeLessThanOrEqual(1);
  },
);

test.each([
  ['sampled', 128, 0, 1],
  ['sampled', 128, 2, 2],
  ['sampled', 128, 4, 3],
  ['full', 1, 0, 33],
] as const)(
  'of 33 slices that `%s` watches, one lease in %i and one each %i ms, %i are traced',
  (safety, every, paceMs, traced) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { pools } = start(safety);
    const watched: Slice[] = [];
    for (let i = 0; i < 33; i++) {
      watched.push(pools.acquire(100));
      for (let other = 1; other < every; other++) pools.acquire(100).release();
      vi.advanceTimersByTime(paceMs);
    }
    const leaks = pools.leaks(0);
    expect(leaks.map(({ ref }) => ref).sort((a, b) => a - b)).toEqual(
      watched.map(({ ref }) => ref).sort((a, b) => a - b),
    );
    expect(leaks.filter(({ trace }) => trace)).toHaveLength(traced);
  },
);

test.each([
  ['sampled', 0],
  ['sampled', 15],
  ['sampled', 4080],
  ['sampled', 4095],
  ['full', 2000],
] as const)(
  'under `%s`, a write to byte %i of 4096 after their release is noticed',
  (safety, at) => {
    expect(lateWriteNoticed(safety, at)).toBe(true);
  },
);

test.each([16, 2000, 4079])(
  'under `sampled`, which poisons the ends alone, a late write to byte %i of 4096 is not noticed',
  (at) => {
    expect(lateWriteNoticed('sampled', at)).toBe(false);
  },
);

/** Whether somebody is told when the slot of a watched slice is lent again, as the next watched one. */
function lateWriteNoticed(safety: SafetyLevel, at: number): boolean {
  const { pools, reports } = start(safety);
  const every = safety === 'full' ? 1 : 128;
  const slice = pools.acquire(4096);
  const { ref, bytes } = slice;
  // The slot must be in nobody's hands until the next watched lease.
  const others = Array.from({ length: every - 1 }, () => pools.acquire(4096));
  slice.release();
  bytes[at]! ^= 1;
  const next = pools.acquire(4096);
  if (reports.length === 0) expect(next.ref).toBe(ref);
  for (const other of others) other.release();
  expect(reports.every(({ code }) => code === 'ERR_SLICE_LATE_WRITE')).toBe(true);
  return reports.length > 0;
}

/** Collects garbage until `done`: finalizers run in turns of the event loop of their own. */
async function collectUntil(done: () => boolean): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  while (!done()) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function forget(pools: BufferPools): number {
  const slice = pools.acquire(123);
  useIt(slice);
  return slice.ref;
}

function useIt(slice: Slice): void {
  slice.bytes[0] = 1;
}

test('a slice that was forgotten is reported with where it was leased and last used', async () => {
  const { pools, reports } = start('full');
  const ref = forget(pools);
  // These are not forgotten: released, handed over, shared.
  (() => {
    pools.acquire(1).release();
    pools.acquire(2).handOver();
    pools.acquire(3).share();
  })();
  const kept = pools.acquire(4);
  await collectUntil(() => reports.length > 0);
  expect(reports.map(({ code }) => code)).toEqual(['ERR_SLICE_LEAKED']);
  expect(reports[0]!.message).toContain(`123 bytes in slot ${ref}`);
  expect(reports[0]!.message).toMatch(/leased [^]*forget[^]*last used [^]*useIt/);
  expect(kept.live).toBe(true);
});

test('a slice that a sweep has ended is not reported when it is collected', async () => {
  const { pools, others, reports } = start('full');
  forget(others);
  pools.sweep(others.thread, OWNER);
  forget(pools);
  await collectUntil(() => reports.length > 0);
  expect(reports).toHaveLength(1);
});
