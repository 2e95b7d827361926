import { SIZE_CLASSES, type BufferPools, type Slice } from '@millrace/core';
import { CACHED, FREE, classOf, holderOf, stateOf } from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectSound, slotsOf } from './audit.ts';
import { createTable, join, wipe } from './memory.ts';
import { codeOf } from './thrown.ts';

/** A lease as the model knows it: who took it, and what was written at both ends of its bytes. */
interface Lease {
  readonly slice: Slice;
  readonly pools: BufferPools;
  readonly mark: number;
}

const THREADS = 3;
const table = createTable(2);

class Model {
  readonly threads: BufferPools[];
  readonly leases: Lease[] = [];
  readonly ended: Lease[] = [];
  readonly counted = { leased: 0, returned: 0, swept: 0 };

  constructor() {
    wipe(table);
    this.threads = Array.from({ length: THREADS }, () => join(table));
  }

  acquire(pools: BufferPools, bytes: number): void {
    const hopeless = nothingFreeFor(pools, bytes);
    const slice = pools.tryAcquire(bytes);
    expect(slice === undefined, `exhausted for ${bytes} bytes`).toBe(hopeless);
    if (!slice) {
      expect(codeOf(() => pools.acquire(bytes))).toBe('ERR_POOL_EXHAUSTED');
      return;
    }
    for (const { slice: lent } of this.leases) {
      expect(overlap(lent.bytes, slice.bytes), 'two leases overlap').toBe(false);
    }
    const mark = ++this.counted.leased & 0xff;
    slice.bytes[0] = mark;
    slice.bytes[bytes - 1] = mark;
    this.leases.push({ slice, pools, mark });
  }

  release(index: number): void {
    const lease = take(this.leases, index);
    if (!lease) return;
    expectIntact(lease);
    lease.slice.release();
    this.counted.returned++;
    this.ended.push(lease);
  }

  releaseAgain(index: number): void {
    const lease = this.ended[index % Math.max(1, this.ended.length)];
    if (!lease) return;
    expect(lease.slice.live).toBe(false);
    expect(codeOf(() => lease.slice.release())).toBe('ERR_SLICE_STALE');
  }

  releaseElsewhere(index: number): void {
    const lease = this.leases[index % Math.max(1, this.leases.length)];
    const others = this.threads.find((pools) => pools !== lease?.pools)!;
    if (lease) expect(codeOf(() => others.takeBack(lease.slice))).toBe('ERR_SLICE_FOREIGN');
  }

  /** The thread dies with all that it holds, and another takes its place. */
  replace(index: number): void {
    const dead = this.threads[index]!;
    const lost = this.leases.filter(({ pools }) => pools === dead);
    const sweeper = this.threads[(index + 1) % THREADS]!;
    expect(sweeper.sweep(dead.thread)).toBe(lost.length);
    expect(sweeper.sweep(dead.thread)).toBe(0);
    this.counted.swept += lost.length;
    this.ended.push(...lost);
    for (const lease of lost) this.leases.splice(this.leases.indexOf(lease), 1);
    this.threads[index] = join(table);
  }

  check(): void {
    const { leased, returned, swept } = this.counted;
    const expected = { leased, returned, swept, live: this.leases.length };
    for (const pools of this.threads) expect(pools.stats().slices).toEqual(expected);
    for (const lease of this.leases) {
      expect(lease.slice.live).toBe(true);
      expectIntact(lease);
    }
  }
}

/** Goes by the slots' words: whether this thread can have no slot of the class, and no slab is unused. */
function nothingFreeFor(pools: BufferPools, bytes: number): boolean {
  for (let slab = 0; slab < table.layout.slabs; slab++) {
    if (table.classOf(slab) === undefined) return false;
  }
  return !slotsOf(table).some(
    ({ sizeClass, word }) =>
      sizeClass === classOf(bytes) &&
      (stateOf(word) === FREE || (stateOf(word) === CACHED && holderOf(word) === pools.thread)),
  );
}

function expectIntact({ slice, mark }: Lease): void {
  expect([slice.bytes[0], slice.bytes[slice.byteLength - 1]]).toEqual([mark, mark]);
}

function overlap(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}

function take<T>(from: T[], index: number): T | undefined {
  return from.splice(index % Math.max(1, from.length), 1)[0];
}

/** Large slots are few, so that memory runs out; small ones make magazines that are never full. */
const anySize = fc
  .constantFrom(0, 3, 4, 5, 6, 6, 6, 7)
  .chain((sizeClass) => fc.integer({ min: 1, max: SIZE_CLASSES[sizeClass]! }));
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('acquire' as const), bytes: anySize }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('release' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('releaseAgain' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('releaseElsewhere' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const) }) },
);
const anySteps = fc.array(fc.tuple(anyStep, fc.nat({ max: THREADS - 1 }), fc.nat()), {
  maxLength: 80,
});

test('pools do what a plain set of leases does, whatever their threads do and whenever they die', () => {
  let exhausted = 0;
  fc.assert(
    fc.property(anySteps, (steps) => {
      const model = new Model();
      for (const [step, thread, index] of steps) {
        const before = model.leases.length;
        if (step.kind === 'acquire') {
          model.acquire(model.threads[thread]!, step.bytes);
          if (model.leases.length === before) exhausted++;
        } else if (step.kind === 'replace') model.replace(thread);
        else model[step.kind](index);
      }
      model.check();
      expectSound(
        table,
        model.leases.map(({ slice }) => slice.ref),
      );
      while (model.leases.length > 0) model.release(0);
      model.check();
      expectSound(table, []);
    }),
    { numRuns: 1000 },
  );
  expect(exhausted, 'memory ran out now and then').toBeGreaterThan(100);
});
