/** Any run of calls does what a plain model of the manager says, and no two holders ever share a byte. */
import {
  BUFFER_CLASSES,
  BufferManager,
  MillraceError,
  bufferClassOf,
  type BufferClass,
  type BufferFactory,
  type BufferMemory,
  type ManagedBuffer,
  type ManagedMemory,
} from '@millrace/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codeOf } from '../thrown.ts';

const SIZES = { small: 10, medium: 20, large: 30, huge: 40 };
const MAX_AGE_MS = 50;
const BUDGET = 400;
const MEMORY: ManagedMemory = {
  acquire: () => {
    throw new Error('Not used');
  },
  memoryBytes: BUDGET,
  lentBytes: 0,
  largest: BUDGET,
  thread: 0,
};

interface Shape {
  readonly initialSize: number;
  readonly maxSize: number;
  readonly growthFactor: number;
  readonly shrinkThreshold: number;
}

/** What the model knows of a buffer. */
interface Known {
  readonly id: number;
  readonly bufferClass: BufferClass;
  readonly capacity: number;
  readonly createdAt: number;
  readonly loose: boolean;
  uses: number;
}

interface Lent {
  readonly buffer: ManagedBuffer;
  known: Known;
  size: number;
  readonly mark: number;
}

class ModelPool {
  readonly stock: Known[] = [];
  readonly formerPeaks: number[] = [];
  peak = 0;
  active = 0;
  created = 0;
  destroyed = 0;
  corrupted = 0;
  hits = 0;
  misses = 0;
  returned = 0;
  peakSize = 0;
  memory = 0;
  peakMemory = 0;
}

class Model implements BufferFactory {
  ms = 0;
  left = BUDGET;
  readonly unfit = new Set<number>();
  readonly lent: Lent[] = [];
  readonly stale: ManagedBuffer[] = [];
  readonly pools = new Map(BUFFER_CLASSES.map((name) => [name, new ModelPool()]));
  readonly manager: BufferManager;
  readonly #shape: Shape;
  #ids = 0;
  #marks = 0;
  /** What the model itself takes; that of the factory must be the same. */
  #memory = 0;
  #peakMemory = 0;
  #retrieved = 0;

  constructor(shape: Shape) {
    this.#shape = shape;
    for (const name of BUFFER_CLASSES) {
      for (let i = 0; i < shape.initialSize; i++) this.#stockOne(name);
    }
    this.manager = new BufferManager(
      MEMORY,
      {
        allocationStrategy: 'pooled',
        bufferSizes: SIZES,
        defaultPoolSize: shape.initialSize,
        maxPoolSize: shape.maxSize,
        monitoringIntervalMs: Infinity,
        pools: Object.fromEntries(
          BUFFER_CLASSES.map((name) => [name, { ...shape, maxAgeMs: MAX_AGE_MS }]),
        ),
      },
      { factory: this, nowMs: () => this.ms },
    );
  }

  // The factory of the real one.

  create(_: BufferClass, size: number): BufferMemory {
    if (this.left < size) throw new MillraceError('ERR_POOL_EXHAUSTED', 'Cannot make more');
    this.left -= size;
    return { bytes: new Uint8Array(size), memoryBytes: size };
  }

  validate({ id }: ManagedBuffer): boolean {
    return !this.unfit.has(id);
  }

  reset({ memory }: ManagedBuffer): void {
    memory.bytes.fill(0);
  }

  destroy({ memoryBytes }: ManagedBuffer): void {
    this.left += memoryBytes;
  }

  // Calls, on the real one and on the model.

  get(size: number): void {
    const known = this.#get(size);
    if (!known) {
      expect(codeOf(() => this.manager.getBuffer(size))).toBe('ERR_POOL_EXHAUSTED');
      return;
    }
    const buffer = this.manager.getBuffer(size);
    const mark = (this.#marks = (this.#marks + 1) & 0xff);
    buffer.bytes.fill(mark);
    this.lent.push({ buffer, known, size, mark });
  }

  release(index: number): void {
    const [lent] = this.lent.splice(index % Math.max(1, this.lent.length), 1);
    if (!lent) return;
    this.#expectIntact(lent);
    lent.buffer.release();
    this.stale.push(lent.buffer);
    this.#put(lent.known, lent.size);
  }

  resize(index: number, size: number): void {
    const lent = this.lent[index % Math.max(1, this.lent.length)];
    if (!lent) return;
    this.#expectIntact(lent);
    const { buffer, mark } = lent;
    if (size > lent.known.capacity) {
      const known = this.#get(size);
      if (!known) {
        expect(codeOf(() => buffer.resize(size))).toBe('ERR_POOL_EXHAUSTED');
        this.#expectIntact(lent);
        return;
      }
      const former = lent.known;
      lent.known = known;
      buffer.resize(size);
      this.#put(former, lent.size);
    } else buffer.resize(size);
    expect(buffer.bytes.subarray(0, lent.size).every((byte) => byte === mark)).toBe(true);
    lent.size = size;
    buffer.bytes.fill(mark);
  }

  spoil(id: number): void {
    this.unfit.add(1 + (id % Math.max(1, this.#ids)));
  }

  upkeep(): void {
    const before = [...this.pools.values()].reduce((sum, { destroyed }) => sum + destroyed, 0);
    for (const pool of this.pools.values()) this.#upkeep(pool);
    const after = [...this.pools.values()].reduce((sum, { destroyed }) => sum + destroyed, 0);
    expect(this.manager.upkeep()).toEqual({ destroyed: after - before, leaked: 0 });
  }

  drain(): void {
    let drained = 0;
    for (const name of BUFFER_CLASSES) drained += this.#drain(name);
    expect(this.manager.drain()).toBe(drained);
  }

  misuse(index: number): void {
    const buffer = this.stale[index % Math.max(1, this.stale.length)];
    if (!buffer) return;
    expect(codeOf(() => buffer.release())).toBe('ERR_SLICE_STALE');
    expect(codeOf(() => buffer.resize(1))).toBe('ERR_SLICE_STALE');
    expect(codeOf(() => buffer.bytes)).toBe('ERR_SLICE_STALE');
  }

  check(): void {
    for (const lent of this.lent) this.#expectIntact(lent);
    let [total, hits, looseMemory] = [0, 0, 0];
    for (const [name, pool] of this.pools) {
      const retrieved = pool.hits + pool.misses;
      expect(this.manager.statistics(name)).toEqual({
        buffersCreated: pool.created,
        buffersRetrieved: retrieved,
        buffersReturned: pool.returned,
        buffersDestroyed: pool.destroyed,
        buffersCorrupted: pool.corrupted,
        hits: pool.hits,
        misses: pool.misses,
        hitRate: retrieved === 0 ? 1 : pool.hits / retrieved,
        missRate: retrieved === 0 ? 0 : 1 - pool.hits / retrieved,
        memoryUsage: pool.memory,
        peakMemoryUsage: pool.peakMemory,
        currentSize: pool.stock.length,
        peakSize: pool.peakSize,
        active: pool.active,
        recentPeak: Math.max(pool.peak, ...pool.formerPeaks),
      });
      total += pool.stock.length;
      hits += pool.hits;
    }
    let [asked, taken] = [0, 0];
    for (const { known, size } of this.lent) {
      asked += size;
      taken += known.capacity;
      if (known.loose) looseMemory += known.capacity;
    }
    let needed = looseMemory;
    for (const pool of this.pools.values()) {
      const all = pool.stock.length + pool.active;
      const recent = Math.max(pool.peak, ...pool.formerPeaks);
      if (all > 0) needed += pool.memory * Math.min(1, recent / all);
    }
    const hitRate = this.#retrieved === 0 ? 1 : hits / this.#retrieved;
    const metrics = this.manager.metrics();
    const fragmentationRatio = taken === 0 ? 0 : 1 - asked / taken;
    expect(metrics).toMatchObject({
      totalBuffers: total + this.lent.length,
      activeBuffers: this.lent.length,
      totalMemoryUsage: this.#memory,
      peakMemoryUsage: this.#peakMemory,
      hitRate,
      fragmentationRatio,
    });
    const efficiency = this.#memory === 0 ? 1 : needed / this.#memory;
    const score = 100 * hitRate * efficiency * (1 - fragmentationRatio);
    expect(metrics.efficiencyScore).toBeCloseTo(score, 9);
    expect(this.left).toBe(BUDGET - this.#memory);
  }

  // The model.

  #get(size: number): Known | undefined {
    const name = bufferClassOf(size, SIZES);
    const pool = this.pools.get(name)!;
    const loose = size > SIZES[name];
    for (;;) {
      const known = loose ? this.#make(name, size, true) : this.#getFrom(name, pool);
      if (known) {
        known.uses++;
        this.#retrieved++;
        return known;
      }
      const bytes = (other: BufferClass): number =>
        SIZES[other] * this.pools.get(other)!.stock.length;
      const most = Math.max(...BUFFER_CLASSES.map(bytes));
      if (most === 0) return undefined;
      this.#drain(BUFFER_CLASSES.find((other) => bytes(other) === most)!);
    }
  }

  #getFrom(name: BufferClass, pool: ModelPool): Known | undefined {
    let known: Known | undefined;
    while (!known && pool.stock.length > 0) {
      const next = pool.stock.pop()!;
      if (this.ms - next.createdAt > MAX_AGE_MS) this.#destroy(next);
      else if (this.unfit.has(next.id)) this.#corrupt(next);
      else known = next;
    }
    if (known) pool.hits++;
    else {
      known = this.#make(name, SIZES[name], false);
      if (!known) return undefined;
      pool.misses++;
      const { growthFactor, maxSize } = this.#shape;
      const grown = Math.ceil(pool.active * growthFactor - 1e-9) - pool.active - 1;
      for (let i = 0; i < Math.min(grown, maxSize); i++) if (!this.#stockOne(name)) break;
    }
    pool.active++;
    pool.peak = Math.max(pool.peak, pool.active);
    return known;
  }

  #put(known: Known, size: number): void {
    expect(size).toBeLessThanOrEqual(known.capacity);
    if (known.loose) {
      this.#memory -= known.capacity;
      return;
    }
    const pool = this.pools.get(known.bufferClass)!;
    pool.active--;
    pool.returned++;
    if (this.unfit.has(known.id)) this.#corrupt(known);
    else if (this.ms - known.createdAt > MAX_AGE_MS) this.#destroy(known);
    else if (pool.stock.length >= this.#shape.maxSize) this.#destroy(known);
    else this.#push(pool, known);
  }

  #make(bufferClass: BufferClass, capacity: number, loose: boolean): Known | undefined {
    if (this.#memory + capacity > BUDGET) return undefined;
    this.#memory += capacity;
    this.#peakMemory = Math.max(this.#peakMemory, this.#memory);
    if (!loose) {
      const pool = this.pools.get(bufferClass)!;
      pool.created++;
      pool.memory += capacity;
      pool.peakMemory = Math.max(pool.peakMemory, pool.memory);
    }
    return { id: ++this.#ids, bufferClass, capacity, createdAt: this.ms, loose, uses: 0 };
  }

  #stockOne(name: BufferClass): boolean {
    const known = this.#make(name, SIZES[name], false);
    if (known) this.#push(this.pools.get(name)!, known);
    return known !== undefined;
  }

  #push(pool: ModelPool, known: Known): void {
    pool.stock.push(known);
    pool.peakSize = Math.max(pool.peakSize, pool.stock.length);
  }

  #corrupt(known: Known): void {
    this.pools.get(known.bufferClass)!.corrupted++;
    this.#destroy(known);
  }

  #destroy({ bufferClass, capacity }: Known): void {
    const pool = this.pools.get(bufferClass)!;
    pool.destroyed++;
    pool.memory -= capacity;
    this.#memory -= capacity;
  }

  #drain(name: BufferClass): number {
    const drained = this.pools.get(name)!.stock.splice(0);
    for (const known of drained) this.#destroy(known);
    return drained.length;
  }

  #upkeep(pool: ModelPool): void {
    const { shrinkThreshold, growthFactor, initialSize } = this.#shape;
    const old = pool.stock.filter(({ createdAt }) => this.ms - createdAt > MAX_AGE_MS);
    for (const known of old) {
      pool.stock.splice(pool.stock.indexOf(known), 1);
      this.#destroy(known);
    }
    const recent = Math.max(pool.peak, ...pool.formerPeaks);
    const total = pool.active + pool.stock.length;
    if (recent < shrinkThreshold * total) {
      const enough = Math.max(initialSize, Math.ceil(recent * growthFactor - 1e-9));
      for (const known of pool.stock.splice(0, Math.max(0, total - enough))) this.#destroy(known);
    }
    pool.formerPeaks.push(pool.peak);
    if (pool.formerPeaks.length === 10) pool.formerPeaks.shift();
    pool.peak = pool.active;
  }

  #expectIntact({ buffer, known, size, mark }: Lent): void {
    expect(buffer).toMatchObject({
      id: known.id,
      class: known.bufferClass,
      capacity: known.capacity,
      createdAt: known.createdAt,
      useCount: known.uses,
      size,
      state: 'in-use',
    });
    expect(buffer.bytes.byteLength).toBe(size);
    expect(buffer.bytes.every((byte) => byte === mark)).toBe(true);
  }
}

type Call = (model: Model) => void;

const index = fc.nat(100);
const size = fc.integer({ min: 1, max: 60 });
const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 8,
    arbitrary: size.map(
      (bytes): Call =>
        (model) =>
          model.get(bytes),
    ),
  },
  {
    weight: 6,
    arbitrary: index.map(
      (at): Call =>
        (model) =>
          model.release(at),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(index, size).map(
      ([at, bytes]): Call =>
        (model) =>
          model.resize(at, bytes),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.nat(40).map(
      (ms): Call =>
        (model) =>
          void (model.ms += ms),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Call>((model) => model.upkeep()) },
  {
    weight: 1,
    arbitrary: index.map(
      (id): Call =>
        (model) =>
          model.spoil(id),
    ),
  },
  {
    weight: 1,
    arbitrary: index.map(
      (at): Call =>
        (model) =>
          model.misuse(at),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Call>((model) => model.drain()) },
);

const shape = fc.record({
  initialSize: fc.integer({ min: 0, max: 2 }),
  maxSize: fc.integer({ min: 2, max: 6 }),
  growthFactor: fc.constantFrom(1, 1.1, 1.5, 2, 8),
  shrinkThreshold: fc.constantFrom(0, 0.3, 0.7, 1),
});

test('any run of calls does what the model says', () => {
  let [hits, relieved] = [0, 0];
  fc.assert(
    fc.property(shape, fc.array(call, { maxLength: 60 }), (terms, calls) => {
      const model = new Model(terms);
      model.check();
      for (const each of calls) {
        each(model);
        model.check();
      }
      for (const pool of model.pools.values()) {
        hits += pool.hits;
        relieved += pool.destroyed;
      }
      while (model.lent.length > 0) model.release(0);
      model.drain();
      expect(model.left).toBe(BUDGET);
    }),
    { numRuns: 300 },
  );
  expect(hits).toBeGreaterThan(0);
  expect(relieved).toBeGreaterThan(0);
});
