import { SIZE_CLASSES, type ThreadId } from '@millrace/core';
import {
  FreeList,
  LINE,
  MAX_THREADS,
  SLAB_BITMAP,
  SLAB_WORDS,
  StripedCounters,
  controlLayout,
  slabOf,
  slotOf,
  slotRef,
} from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ATTENTION,
  MAGAZINE_WORDS,
  SLOTS_PER_SLAB,
  SLOT_POISONED,
  SLOT_POISONED_IN,
  SLOT_SEATS,
  SLOT_WATCHED,
  SLOT_WATCHED_BYTES,
  SLOT_WATCHED_SINCE,
  SEAT_WORDS,
  THREADS_HIGH,
  THREAD_BEAT,
  THREAD_EPOCH,
  THREAD_INTENT,
  THREAD_LEASED,
  THREAD_LISTENING,
  THREAD_STATE,
  THREAD_SWEPT,
  THREAD_WAITING,
} from '../dist/memory/layout.js';
import { POOL_COUNT } from '../dist/memory/size-classes.js';

const anySlabs = fc.integer({ min: 1, max: 100_000 });
const anyCounters = fc.integer({ min: 0, max: 5000 });
const anyExtra = fc.integer({ min: 0, max: 5000 });

test('no zone of the control block reaches into the next', () => {
  fc.assert(
    fc.property(anySlabs, anyCounters, anyExtra, (slabs, counters, extra) => {
      const layout = controlLayout(slabs, counters, extra);
      const zones = [
        { at: 0, words: LINE },
        { at: THREADS_HIGH, words: 2 },
        { at: ATTENTION, words: 1 + SIZE_CLASSES.length },
        { at: layout.arenasAt, words: layout.arenas },
        { at: layout.threadsAt, words: MAX_THREADS * LINE },
        { at: layout.countersAt, words: MAX_THREADS * layout.stripeWords },
        { at: layout.magazinesAt, words: MAX_THREADS * POOL_COUNT * MAGAZINE_WORDS },
        { at: layout.slabsAt, words: slabs * SLAB_WORDS },
        { at: layout.extraAt, words: extra },
        { at: layout.slotsAt, words: slabs * SLOTS_PER_SLAB * LINE },
        { at: layout.words, words: 0 },
      ];
      for (const [index, zone] of zones.entries()) {
        if (index > 0)
          expect(zones[index - 1]!.at + zones[index - 1]!.words).toBeLessThanOrEqual(zone.at);
        expect(zone.at % LINE, 'zones begin on a line of their own').toBe(0);
      }
    }),
    { numRuns: 1000 },
  );
});

test('every counter of every thread has two words of its own, on lines that no other thread writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), (counters) => {
      const layout = controlLayout(1, counters);
      const striped = new StripedCounters(new Int32Array(0), layout);
      const ownerOfLine = new Map<number, number>();
      const seen = new Set<number>();
      for (let thread = 0; thread < MAX_THREADS; thread++) {
        for (let index = 0; index < counters; index++) {
          const at = striped.at(thread as ThreadId, index);
          seen.add(at).add(at + 1);
          const line = Math.floor(at / LINE);
          expect(ownerOfLine.get(line) ?? thread).toBe(thread);
          ownerOfLine.set(line, thread);
        }
      }
      expect(seen.size).toBe(MAX_THREADS * counters * 2);
      expect(Math.min(...seen)).toBeGreaterThanOrEqual(layout.countersAt);
      expect(Math.max(...seen)).toBeLessThan(layout.magazinesAt);
    }),
    { numRuns: 20 },
  );
});

test('a bitmap has a bit for each slot of the smallest class, and a line of its own', () => {
  expect(SLAB_BITMAP).toBe(LINE);
  expect((SLAB_WORDS - SLAB_BITMAP) * 32).toBe(SLOTS_PER_SLAB);
});

test('the records of threads and slots fit a line, and what stands in them lies apart', () => {
  const ofThread = [
    { at: THREAD_STATE, words: 1 },
    { at: THREAD_EPOCH, words: 1 },
    { at: THREAD_BEAT, words: 1 },
    { at: THREAD_INTENT, words: 1 },
    { at: THREAD_LISTENING, words: 1 },
    { at: THREAD_WAITING, words: SIZE_CLASSES.length },
    { at: THREAD_LEASED, words: 2 },
    { at: THREAD_SWEPT, words: 2 },
  ];
  const ofSlot = [
    { at: 0, words: 1 },
    { at: SLOT_SEATS, words: SEAT_WORDS },
    { at: SLOT_WATCHED_BYTES, words: 1 },
    { at: SLOT_WATCHED, words: 1 },
    { at: SLOT_WATCHED_SINCE, words: 1 },
    { at: SLOT_POISONED, words: 1 },
    { at: SLOT_POISONED_IN, words: 1 },
  ];
  for (const record of [ofThread, ofSlot]) {
    const taken = record.flatMap(({ at, words }) =>
      Array.from({ length: words }, (_, i) => at + i),
    );
    expect(new Set(taken).size).toBe(taken.length);
    expect(Math.max(...taken)).toBeLessThan(LINE);
  }
  expect(SEAT_WORDS * 32).toBe(MAX_THREADS);
});

test('no arena is larger than 1 GiB, and all together have room for every slab', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 20 }), (slabs) => {
      const { arenas, slabsPerArena } = controlLayout(slabs, 0);
      expect(slabsPerArena).toBeLessThanOrEqual(256);
      expect(arenas * slabsPerArena).toBeGreaterThanOrEqual(slabs);
      expect((arenas - 1) * slabsPerArena).toBeLessThan(slabs);
    }),
    { numRuns: 1000 },
  );
});

test('every slot has a line of its own for its word', () => {
  fc.assert(
    fc.property(anySlabs, fc.nat(), fc.nat(), fc.nat(), fc.nat(), (slabs, a, b, c, d) => {
      const layout = controlLayout(slabs, 3);
      const shape = { pool: 0, slotsPerSlab: SLOTS_PER_SLAB, from: 0, to: slabs };
      const list = new FreeList(new Int32Array(0), layout, 1 as ThreadId, shape);
      const one = slotRef(a % slabs, b % SLOTS_PER_SLAB);
      const other = slotRef(c % slabs, d % SLOTS_PER_SLAB);
      expect(list.wordAt(one)).toBeGreaterThanOrEqual(layout.slotsAt);
      expect(list.wordAt(one) + LINE).toBeLessThanOrEqual(layout.words);
      if (one !== other) {
        expect(Math.abs(list.wordAt(one) - list.wordAt(other))).toBeGreaterThanOrEqual(LINE);
      }
    }),
    { numRuns: 1000 },
  );
});

test('a slot reference names its slab and slot, and survives an Int32Array', () => {
  const anySlab = fc.oneof(
    fc.integer({ min: 0, max: 2 ** 21 - 1 }),
    fc.constantFrom(0, 2 ** 21 - 1),
  );
  const anySlot = fc.integer({ min: 0, max: SLOTS_PER_SLAB - 1 });
  fc.assert(
    fc.property(anySlab, anySlot, (slab, slot) => {
      const ref = slotRef(slab, slot);
      expect(slabOf(ref)).toBe(slab);
      expect(slotOf(ref)).toBe(slot);
      expect(Int32Array.of(ref)[0]).toBe(ref);
      expect(ref).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 2000 },
  );
});
