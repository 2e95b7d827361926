import { SIZE_CLASSES, type BufferPools, type Slice, type SliceHandle } from '@millrace/core';
import { CACHED, EMPTY, FREE, classOf, slabStateOf, stateOf } from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectSound, slotsOf } from './audit.ts';
import { OWNER, createTable, join, wipe } from './memory.ts';
import { codeOf } from './thrown.ts';

const MiB = 1024 * 1024;
const SLABS = 3;
const THREADS = 2;
const table = createTable(SLABS);

/** A slice, and whose it is. */
interface Part {
  readonly slice: Slice;
  readonly pools: BufferPools;
}

/** A lease as the model knows it: who has a part in it, and what was written at both ends of its bytes. */
interface Lease {
  readonly parts: Part[];
  readonly mark: number;
  /** On its way: handed over by `giver`, and not adopted yet. */
  handed?: { handle: SliceHandle; giver: BufferPools };
  /** What to join with. */
  shared?: SliceHandle;
}

class Model {
  readonly threads: BufferPools[];
  readonly leases: Lease[] = [];
  /** Slices and handles of leases that have ended, or are another's. */
  readonly stale: (Part | { handle: SliceHandle })[] = [];
  readonly counted = { leased: 0, returned: 0, swept: 0 };
  exhausted = 0;

  constructor() {
    wipe(table);
    this.threads = Array.from({ length: THREADS }, () => join(table));
  }

  acquire(pools: BufferPools, bytes: number): void {
    const hopeless = nothingFreeFor(bytes);
    const slice = pools.tryAcquire(bytes);
    expect(slice === undefined, `exhausted for ${bytes} bytes`).toBe(hopeless);
    if (!slice) {
      expect(codeOf(() => pools.acquire(bytes))).toBe('ERR_POOL_EXHAUSTED');
      this.exhausted++;
      return;
    }
    this.#expectApart(slice);
    const mark = ++this.counted.leased & 0xff;
    sign(slice, mark);
    this.leases.push({ parts: [{ slice, pools }], mark });
  }

  release(index: number): void {
    const lease = pick(this.leases, index);
    const [part] = lease?.parts.splice(index % Math.max(1, lease.parts.length), 1) ?? [];
    if (!part) return;
    expectIntact(part, lease!.mark);
    part.slice.release();
    this.stale.push(part);
    if (lease!.parts.length === 0) this.#end(lease!, 'returned');
  }

  handOver(index: number): void {
    const lease = pick(this.leases, index);
    const [part] = lease?.parts ?? [];
    if (!part || lease!.shared) return;
    lease!.handed = { handle: part.slice.handOver(), giver: part.pools };
    lease!.parts.pop();
    this.stale.push(part);
  }

  adopt(index: number, pools: BufferPools): void {
    const lease = pick(
      this.leases.filter(({ handed }) => handed),
      index,
    );
    if (!lease) return;
    const { handle } = lease.handed!;
    const part = { slice: pools.adopt(handle), pools };
    expectIntact(part, lease.mark);
    lease.parts.push(part);
    delete lease.handed;
    this.stale.push({ handle });
  }

  share(index: number): void {
    const lease = pick(this.leases, index);
    const [part] = lease?.parts ?? [];
    if (!part) return;
    if (lease!.shared) expect(part.slice.share()).toEqual(lease!.shared);
    lease!.shared = part.slice.share();
  }

  join(index: number, pools: BufferPools): void {
    const lease = pick(
      this.leases.filter(({ shared }) => shared),
      index,
    );
    if (!lease) return;
    const part = { slice: pools.join(lease.shared!), pools };
    expectIntact(part, lease.mark);
    lease.parts.push(part);
    const holders = new Set(lease.parts.map((each) => each.pools.thread));
    expect(pools.holdersOf(lease.shared!)).toEqual([...holders].sort((a, b) => a - b));
  }

  resize(index: number, bytes: number): void {
    const lease = pick(this.leases, index);
    const [part] = lease?.parts ?? [];
    if (!part) return;
    const { slice } = part;
    if (lease!.shared) {
      expect(codeOf(() => slice.resize(bytes))).toBe('ERR_INVALID_ARG');
      return;
    }
    const { ref, lease: word, byteLength } = slice;
    const kept = [...slice.bytes.subarray(0, 1)];
    if (bytes > capacityOf(slice)) {
      if (nothingFreeFor(bytes)) {
        expect(codeOf(() => slice.resize(bytes))).toBe('ERR_POOL_EXHAUSTED');
        expect([slice.ref, slice.lease, slice.byteLength]).toEqual([ref, word, byteLength]);
        expectIntact(part, lease!.mark);
        this.exhausted++;
        return;
      }
      const last = slice.bytes[byteLength - 1];
      slice.resize(bytes);
      expect(slice.ref).not.toBe(ref);
      expect(slice.bytes[byteLength - 1]).toBe(last);
      this.counted.leased++;
      this.counted.returned++;
    } else {
      slice.resize(bytes);
      expect(slice.ref).toBe(ref);
    }
    expect([...slice.bytes.subarray(0, 1)]).toEqual(kept);
    this.#expectApart(slice);
    sign(slice, lease!.mark);
  }

  comeLate(index: number): void {
    const late = pick(this.stale, index);
    if (!late) return;
    if ('handle' in late) {
      const [pools] = this.threads as [BufferPools];
      // The slot may be one of another size by now.
      expect(codeOf(() => pools.adopt(late.handle))).toMatch(/ERR_SLICE_STALE|ERR_BAD_HANDLE/);
      expect(codeOf(() => pools.join(late.handle))).toMatch(/ERR_SLICE_STALE|ERR_BAD_HANDLE/);
    } else {
      const { slice } = late;
      expect(slice.live).toBe(false);
      for (const deed of ['release', 'handOver', 'share'] as const) {
        expect(codeOf(() => slice[deed]())).toBe('ERR_SLICE_STALE');
      }
      expect(codeOf(() => slice.resize(1))).toBe('ERR_SLICE_STALE');
    }
  }

  /** A lease that is shared is not to be adopted, and one that is not shared not to be joined. */
  takeWrongly(index: number): void {
    const lease = pick(this.leases, index);
    const [part] = lease?.parts ?? [];
    if (!part) return;
    const deed = lease!.shared ? 'adopt' : 'join';
    for (const pools of this.threads) {
      expect(codeOf(() => pools[deed](part.slice))).toBe('ERR_SLICE_STALE');
    }
  }

  /** The thread dies with all that it holds, and another takes its place. */
  replace(index: number): void {
    const dead = this.threads[index]!;
    const sweeper = this.threads[(index + 1) % THREADS]!;
    const lost: Lease[] = [];
    for (const lease of this.leases) {
      const before = lease.parts.length;
      const theirs = lease.parts.filter(({ pools }) => pools === dead);
      lease.parts.splice(0, before, ...lease.parts.filter(({ pools }) => pools !== dead));
      if (lease.handed?.giver === dead) this.stale.push({ handle: lease.handed.handle });
      else if (lease.handed || lease.parts.length > 0) continue;
      lost.push(lease);
      if (!lease.shared) this.stale.push(...theirs);
    }
    expect(sweeper.sweep(dead.thread, OWNER)).toBe(lost.length);
    expect(sweeper.sweep(dead.thread, OWNER)).toBe(0);
    for (const lease of lost) this.#end(lease, 'swept');
    this.threads[index] = join(table);
  }

  check(): void {
    const { leased, returned, swept } = this.counted;
    const expected = { leased, returned, swept, live: this.leases.length };
    for (const pools of this.threads) expect(pools.stats().slices).toEqual(expected);
    for (const { parts, mark } of this.leases) {
      for (const part of parts) {
        expect(part.slice.live).toBe(true);
        expectIntact(part, mark);
      }
    }
    expectSound(
      table,
      this.leases.map(({ parts, handed }) => (handed?.handle ?? parts[0]!.slice).ref),
    );
  }

  #end(lease: Lease, how: 'returned' | 'swept'): void {
    this.counted[how]++;
    if (lease.shared) this.stale.push({ handle: lease.shared });
    this.leases.splice(this.leases.indexOf(lease), 1);
  }

  #expectApart(slice: Slice): void {
    for (const { parts, handed } of this.leases) {
      const lent = parts[0]?.slice ?? handed!.handle;
      if (lent === slice) continue;
      const bytes = this.threads[0]!.viewOf(lent.ref, lent.byteLength);
      expect(overlap(bytes, slice.bytes), 'two leases overlap').toBe(false);
    }
  }
}

/** Goes by the words of slots and slabs: whether no slot of the class is spare, and no slab or neighbours. */
function nothingFreeFor(bytes: number): boolean {
  const spare = (word: number): boolean => stateOf(word) === FREE || stateOf(word) === CACHED;
  const slots = slotsOf(table);
  const idle = Array.from({ length: SLABS }, (_, slab) => {
    if (slabStateOf(table.slabWord(slab)) === EMPTY) return true;
    const inSlab = slots.filter(({ ref }) => ref >>> 10 === slab);
    return inSlab.length > 0 && inSlab.every(({ word }) => spare(word));
  });
  if (bytes > 4 * MiB) {
    const length = Math.ceil(bytes / (4 * MiB));
    return !idle.some((_, at) => {
      const run = idle.slice(at, at + length);
      return run.length === length && run.every(Boolean);
    });
  }
  return !(
    idle.some(Boolean) ||
    slots.some(({ sizeClass, word }) => sizeClass === classOf(bytes) && spare(word))
  );
}

function capacityOf({ ref }: Slice): number {
  const sizeClass = table.classOf(ref >>> 10);
  if (sizeClass !== undefined) return SIZE_CLASSES[sizeClass]!;
  let slabs = 1;
  while ((table.slabWord((ref >>> 10) + slabs) & 7) === 6) slabs++;
  return slabs * 4 * MiB;
}

function sign(slice: Slice, mark: number): void {
  slice.bytes[0] = mark;
  slice.bytes[slice.byteLength - 1] = mark;
}

function expectIntact({ slice }: Part, mark: number): void {
  expect([slice.bytes[0], slice.bytes[slice.byteLength - 1]]).toEqual([mark, mark]);
}

function overlap(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}

function pick<T>(from: readonly T[], index: number): T | undefined {
  return from[index % Math.max(1, from.length)];
}

/** Large slots are few, so that memory runs out; small ones make magazines that are never full. */
const anySize = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .constantFrom(0, 3, 4, 5, 6, 6, 6, 7)
      .chain((sizeClass) => fc.integer({ min: 1, max: SIZE_CLASSES[sizeClass]! })),
  },
  { weight: 1, arbitrary: fc.integer({ min: 4 * MiB + 1, max: SLABS * 4 * MiB }) },
);
const kinds = {
  acquire: 12,
  release: 4,
  handOver: 2,
  adopt: 2,
  share: 2,
  join: 2,
  resize: 2,
  comeLate: 1,
  takeWrongly: 1,
  trim: 1,
  replace: 1,
} as const;
type Kind = keyof typeof kinds;
const anyKind = fc.oneof(
  ...Object.entries(kinds).map(([kind, weight]) => ({
    weight,
    arbitrary: fc.constant(kind as Kind),
  })),
);
const anySteps = fc.array(fc.tuple(anyKind, fc.nat({ max: THREADS - 1 }), fc.nat(), anySize), {
  maxLength: 100,
});

test('pools do what a plain set of leases does, whatever their threads do and whenever they die', () => {
  let exhausted = 0;
  fc.assert(
    fc.property(anySteps, (steps) => {
      const model = new Model();
      for (const [kind, thread, index, bytes] of steps) {
        const pools = model.threads[thread]!;
        if (kind === 'acquire') model.acquire(pools, bytes);
        else if (kind === 'resize') model.resize(index, bytes);
        else if (kind === 'adopt' || kind === 'join') model[kind](index, pools);
        else if (kind === 'trim') pools.trim();
        else if (kind === 'replace') model.replace(thread);
        else model[kind](index);
      }
      exhausted += model.exhausted;
      model.check();
      while (model.leases.length > 0) {
        model.adopt(0, model.threads[0]!);
        model.release(0);
      }
      model.check();
    }),
    { numRuns: 1000 },
  );
  expect(exhausted, 'memory ran out now and then').toBeGreaterThan(100);
});
