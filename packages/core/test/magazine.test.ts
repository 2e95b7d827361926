import { SIZE_CLASSES, type ThreadId } from '@millrace/core';
import { MAX_THREADS, Magazine, slotRef, type SlotRef } from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTable, wipe } from './memory.ts';

const CAPACITIES = [32, 32, 32, 16, 8, 4, 0, 0];
/** Those over the reserve have none: what a critical acquire leaves is for the next one, anywhere. */
const POOLS = 16;
const me = 1 as ThreadId;
const table = createTable(1);

function magazineOf(thread: number, pool: number): Magazine {
  return new Magazine(table.words, table.layout, thread as ThreadId, pool);
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
    for (let slot = 0; slot < capacity; slot++) expect(magazine.push(slotRef(0, slot))).toBe(true);
    expect(magazine.push(slotRef(0, capacity))).toBe(false);
    expect(magazine.count).toBe(capacity);
    expect(magazine.pop()).toBe(capacity > 0 ? slotRef(0, capacity - 1) : undefined);
  },
);

test('a pool over the reserve has magazines that hold nothing', () => {
  for (let pool = 8; pool < POOLS; pool++) expect(magazineOf(me, pool).capacity).toBe(0);
});

test('an empty magazine has nothing to give, however often it is asked', () => {
  wipe(table);
  const magazine = magazineOf(me, 0);
  expect(magazine.pop()).toBeUndefined();
  expect(magazine.pop()).toBeUndefined();
  magazine.shed(() => expect.unreachable());
  expect(magazine.count).toBe(0);
  expect(magazine.push(slotRef(0, 7))).toBe(true);
  expect(magazine.pop()).toBe(7);
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
    for (let i = 0; i < magazine.capacity; i++) magazine.push(mark(i));
  });
  each((magazine, mark) => {
    for (let i = magazine.capacity - 1; i >= 0; i--) expect(magazine.pop()).toBe(mark(i));
  });
});

test('a magazine does what a plain stack does that sheds its older half', () => {
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
          expect(magazine.push(slotRef(0, index))).toBe(fits);
        } else if (step === 'pop') {
          expect(magazine.pop()).toBe(model.pop());
        } else if (step === 'shed') {
          const older: SlotRef[] = [];
          magazine.shed((ref) => older.push(ref));
          expect(older).toEqual(model.splice(0, Math.ceil(model.length / 2)));
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
