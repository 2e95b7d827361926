import { SIZE_CLASSES, type ThreadId } from '@millrace/core';
import {
  CACHED,
  MAX_THREADS,
  Magazine,
  pack,
  slotRef,
  type SlotRef,
} from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAGAZINE_ENTRIES } from '../dist/memory/layout.js';
import { createTable, wipe } from './memory.ts';

const CAPACITIES = [32, 32, 32, 16, 8, 4, 0, 0];
/** Those over the reserve have none: what a critical acquire leaves is for the next one, anywhere. */
const POOLS = 16;
const me = 1 as ThreadId;
const table = createTable(1);

/** The control word that lies beside an entry; of no two entries the same. */
function wordBeside(ref: SlotRef): number {
  return pack(CACHED, me, ref + 1);
}

function push(magazine: Magazine, ref: SlotRef): boolean {
  return magazine.push(ref, wordBeside(ref));
}

/** The newest entry, taken out as a lease does it. */
function pop(magazine: Magazine): SlotRef | undefined {
  const { words } = table;
  if (magazine.count === 0) return undefined;
  const last = magazine.count - 1;
  words[magazine.at] = last;
  return words[magazine.at + MAGAZINE_ENTRIES + last] as SlotRef;
}

function magazineOf(thread: number, pool: number): Magazine {
  return new Magazine(table.words, table.layout, thread as ThreadId, pool);
}

/** What the magazine sheds: slots, and the words that lay beside them. */
function shed(magazine: Magazine): [SlotRef, number][] {
  const entries: [SlotRef, number][] = [];
  magazine.shed((ref, cached) => entries.push([ref, cached]));
  return entries;
}

test.each(
  CAPACITIES.map((capacity, sizeClass) => ({
    capacity,
    bytes: SIZE_CLASSES[sizeClass]!,
    sizeClass,
  })),
)(
  'a magazine of $bytes-byte slots holds $capacity and refuses one more',
  ({ capacity, sizeClass }) => {
    wipe(table);
    const magazine = magazineOf(me, sizeClass);
    expect(magazine.capacity).toBe(capacity);
    for (let slot = 0; slot < capacity; slot++) {
      expect(push(magazine, slotRef(0, slot))).toBe(true);
    }
    expect(push(magazine, slotRef(0, capacity))).toBe(false);
    expect(magazine.count).toBe(capacity);
    expect(pop(magazine)).toBe(capacity > 0 ? slotRef(0, capacity - 1) : undefined);
  },
);

test('a pool over the reserve has magazines that hold nothing', () => {
  for (let pool = 8; pool < POOLS; pool++) expect(magazineOf(me, pool).capacity).toBe(0);
});

test('an empty magazine has nothing to give, however often it is asked', () => {
  wipe(table);
  const magazine = magazineOf(me, 0);
  expect(pop(magazine)).toBeUndefined();
  expect(pop(magazine)).toBeUndefined();
  magazine.shed(() => expect.unreachable());
  expect(magazine.count).toBe(0);
  expect(push(magazine, slotRef(0, 7))).toBe(true);
  expect(pop(magazine)).toBe(7);
});

test('magazines of other threads and pools keep their entries apart', () => {
  wipe(table);
  const each = (visit: (magazine: Magazine, mark: (i: number) => SlotRef) => void): void => {
    for (let thread = 1; thread < MAX_THREADS; thread++) {
      for (let pool = 0; pool < POOLS; pool++) {
        const mark = (i: number): SlotRef => slotRef(thread * POOLS + pool, i);
        visit(magazineOf(thread, pool), mark);
      }
    }
  };
  each((magazine, mark) => {
    for (let i = 0; i < magazine.capacity; i++) push(magazine, mark(i));
  });
  each((magazine, mark) => {
    const older = Array.from({ length: magazine.capacity / 2 }, (_, i) => mark(i));
    expect(shed(magazine)).toEqual(older.map((ref) => [ref, wordBeside(ref)]));
    for (let i = magazine.capacity - 1; i >= older.length; i--) {
      expect(pop(magazine)).toBe(mark(i));
    }
  });
});

test('a magazine does what a plain stack does that sheds its older half, each entry with its word', () => {
  const anyStep = fc.oneof(
    { weight: 5, arbitrary: fc.constant('push' as const) },
    { weight: 4, arbitrary: fc.constant('pop' as const) },
    { weight: 1, arbitrary: fc.constantFrom('shed' as const, 'clear' as const) },
  );
  const anySteps = fc.array(anyStep, { maxLength: 120 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 7 }), anySteps, (sizeClass, steps) => {
      wipe(table);
      const magazine = magazineOf(me, sizeClass);
      let model: SlotRef[] = [];
      for (const [index, step] of steps.entries()) {
        if (step === 'push') {
          const fits = model.length < CAPACITIES[sizeClass]!;
          if (fits) model.push(slotRef(0, index));
          expect(push(magazine, slotRef(0, index))).toBe(fits);
        } else if (step === 'pop') {
          expect(pop(magazine)).toBe(model.pop());
        } else if (step === 'shed') {
          const older = model.splice(0, Math.ceil(model.length / 2));
          expect(shed(magazine)).toEqual(older.map((ref) => [ref, wordBeside(ref)]));
        } else {
          magazine.clear();
          model = [];
        }
        expect(magazine.count).toBe(model.length);
      }
    }),
    { numRuns: 1000 },
  );
});
