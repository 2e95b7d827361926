import { SIZE_CLASSES, type ThreadId } from '@millrace/core';
import {
  CACHED,
  FREE,
  LIVE,
  SLAB_BYTES,
  generationOf,
  slotRef,
  type SlotRef,
  type SlotState,
} from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bitmapAt, hasBit, wordOf } from './audit.ts';
import { expectTaken, lease, listOf, openList, steal, take } from './lists.ts';
import { createTable, roomOf } from './memory.ts';

const me = 1 as ThreadId;
const other = 2 as ThreadId;
const MiB_CLASS = 6;
const table = createTable(2);

test.each(SIZE_CLASSES.map((bytes, sizeClass) => ({ bytes, sizeClass })))(
  'an open slab of $bytes-byte slots gives each of its slots once',
  ({ bytes, sizeClass }) => {
    const list = openList(table, me, sizeClass);
    const refs = new Set<SlotRef>();
    for (let taken = take(list, 7); taken.length > 0; taken = take(list, 7)) {
      for (const ref of taken) refs.add(ref);
    }
    expect(refs.size).toBe(SLAB_BYTES / bytes);
    expect(list.slotsPerSlab).toBe(SLAB_BYTES / bytes);
    expectTaken(table, [me, refs]);
  },
);

test('a list gives slots of its own pool only', () => {
  const list = openList(table, me, 0);
  expect(take(listOf(table, me, 1), 1)).toEqual([]);
  expect(take(listOf(table, me, 8), 1)).toEqual([]);
  expect(take(list, 1)).toHaveLength(1);
});

test('a slab that is not open, or not any more, has nothing to give', () => {
  const list = openList(table, me, MiB_CLASS, 0);
  const { life } = roomOf(table, me);
  expect(take(list, 1)).toEqual([]);
  life.open(MiB_CLASS);
  expect(take(list, 1)).toHaveLength(1);
  life.drain(0);
  expect(take(list, 1)).toEqual([]);
});

test('a slab that serves another class gives that class slots, whatever it gave before', () => {
  const list = openList(table, me, MiB_CLASS);
  for (const ref of take(list, 4)) list.give(ref, wordOf(table, ref));
  const { life } = roomOf(table, me);
  expect(life.retire(0)).toBe(true);
  expect(life.open(3)).toBe(0);
  expect(take(list, 1)).toEqual([]);
  const refs = take(listOf(table, me, 3), 64);
  expect(refs).toHaveLength(64);
  expectTaken(table, [me, refs]);
});

test('slots that a thread leaves can be taken by others while it still takes', () => {
  const list = openList(table, me, MiB_CLASS);
  const elsewhere = listOf(table, other, MiB_CLASS);
  const theirs: SlotRef[] = [];
  const mine: SlotRef[] = [];
  list.take(2, (ref) => {
    mine.push(ref);
    theirs.push(...take(elsewhere, 1));
  });
  expect(theirs).toHaveLength(2);
  expectTaken(table, [me, mine], [other, theirs]);
});

test('a slot is given back once: the word that was presented before is out of date', () => {
  const list = openList(table, me, MiB_CLASS);
  const [ref] = take(list, 1) as [SlotRef];
  const word = wordOf(table, ref);
  expect(list.give(ref, word)).toBe(true);
  expect(generationOf(wordOf(table, ref))).toBe(generationOf(word) + 1);
  const after = table.words.slice();
  expect(list.give(ref, word)).toBe(false);
  expect(table.words.every((each, at) => each === after[at])).toBe(true);

  const all = take(listOf(table, other, MiB_CLASS), 4);
  expect(all).toContain(ref);
  expect(list.give(ref, word)).toBe(false);
  expectTaken(table, [other, all]);
});

test('a bit that is clear though its slot is taken misleads nobody', () => {
  const list = openList(table, me, MiB_CLASS);
  const elsewhere = listOf(table, other, MiB_CLASS);
  const mine = take(list, 4);
  for (const ref of mine) table.words[bitmapAt(table, ref)]! &= ~(1 << ref);
  expect(take(elsewhere, 4)).toEqual([]);
  for (const ref of mine.slice(2)) list.give(ref, wordOf(table, ref));
  for (const ref of mine) table.words[bitmapAt(table, ref)]! &= ~(1 << ref);
  expect(new Set(take(elsewhere, 4))).toEqual(new Set(mine.slice(2)));
});

test('a thief leases what another keeps in stock, or is about to take, and nothing that is lent', () => {
  const list = openList(table, me, MiB_CLASS);
  const thief = listOf(table, other, MiB_CLASS);
  const [ref, ...others] = take(list, 4) as [SlotRef];
  const word = wordOf(table, ref);
  expect(steal(thief)).toEqual([ref]);
  expect(list.give(ref, word)).toBe(false);
  expect(generationOf(wordOf(table, ref))).toBe(generationOf(word));
  expectTaken(table, [me, others], [other, [ref], LIVE]);
  const rest = others.flatMap(() => steal(thief));
  expectTaken(table, [other, [ref, ...rest], LIVE]);
  expect(steal(thief)).toEqual([]);
  expect(steal(list)).toEqual([]);

  // As a taker leaves it between its first step and its second.
  table.words[list.wordAt(ref)] = FREE;
  expect(hasBit(table, ref)).toBe(true);
  expect(steal(thief)).toEqual([ref]);
});

test('a slot that is wanted at once is leased, in a word that says so and that ends the lease', () => {
  const list = openList(table, me, MiB_CLASS);
  let word = 0;
  const refs: SlotRef[] = [];
  const leased = (ref: SlotRef, now: number): void => {
    refs.push(ref);
    word = now;
  };
  for (const claim of [() => list.lease(leased), () => list.steal(leased)]) {
    expect(claim()).toBe(true);
    const ref = refs.at(-1)!;
    expect(wordOf(table, ref)).toBe(word);
    expectTaken(table, [me, [ref], LIVE]);
    expect(list.give(ref, word)).toBe(true);
    expectTaken(table);
  }
});

test('a slab of which all slots are taken has none to lease', () => {
  const list = openList(table, me, MiB_CLASS);
  const cached = take(list, 2);
  const live = [lease(list), lease(list)].flat();
  expect(lease(list)).toEqual([]);
  expect(lease(listOf(table, other, MiB_CLASS))).toEqual([]);
  expectTaken(table, [me, cached], [me, live, LIVE]);
});

test('the list does what a plain set of free slots does', () => {
  const anyThread = fc.constantFrom(me, other);
  const anyStep = fc.oneof(
    fc.record({
      kind: fc.constant('take' as const),
      thread: anyThread,
      n: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({
      kind: fc.constantFrom('give' as const, 'giveAgain' as const),
      thread: anyThread,
      n: fc.nat(),
    }),
    fc.record({
      kind: fc.constantFrom(
        'show' as const,
        'strayBit' as const,
        'lease' as const,
        'steal' as const,
      ),
      thread: anyThread,
      n: fc.nat(),
    }),
  );
  const anyClass = fc.integer({ min: 2, max: 7 });
  const anySlabs = fc.integer({ min: 1, max: 2 });
  fc.assert(
    fc.property(
      anyClass,
      anySlabs,
      fc.array(anyStep, { maxLength: 60 }),
      (sizeClass, slabs, steps) => {
        const list = openList(table, me, sizeClass, slabs);
        const listOfOther = listOf(table, other, sizeClass);
        const capacity = slabs * list.slotsPerSlab;
        const held = new Map<SlotRef, { thread: ThreadId; word: number; state: SlotState }>();
        const ended: [SlotRef, number][] = [];
        for (const { kind, thread, n } of steps) {
          const mine = thread === me ? list : listOfOther;
          const [ref, holding] = [...held][n % Math.max(1, held.size)] ?? [];
          if (kind === 'take') {
            const free = capacity - held.size;
            const taken = take(mine, n);
            expect(taken.length > 0).toBe(free > 0);
            expect(taken.length).toBeLessThanOrEqual(n);
            if (slabs === 1) expect(taken.length).toBe(Math.min(n, free));
            for (const each of taken) {
              expect(held.has(each), `slot ${each} was taken twice`).toBe(false);
              held.set(each, { thread, word: wordOf(table, each), state: CACHED });
            }
          } else if (kind === 'give' && ref !== undefined) {
            expect(list.give(ref, holding!.word)).toBe(true);
            held.delete(ref);
            ended.push([ref, holding!.word]);
          } else if (kind === 'giveAgain' && ended.length > 0) {
            expect(list.give(...ended[n % ended.length]!)).toBe(false);
          } else if (kind === 'show') {
            list.show(slotRef(n % slabs, n % list.slotsPerSlab));
          } else if (kind === 'strayBit') {
            const stray = slotRef(n % slabs, n % list.slotsPerSlab);
            if (held.has(stray)) table.words[bitmapAt(table, stray)]! &= ~(1 << (stray & 31));
          } else if (kind === 'lease') {
            const leased = lease(mine);
            expect(leased.length > 0).toBe(held.size < capacity);
            for (const each of leased) {
              expect(held.has(each), `slot ${each} was leased twice`).toBe(false);
              held.set(each, { thread, word: wordOf(table, each), state: LIVE });
            }
          } else if (kind === 'steal') {
            const lent = [...held.values()].filter(({ state }) => state === LIVE);
            const stolen = steal(mine);
            expect(stolen.length > 0).toBe(lent.length < capacity);
            for (const each of stolen) {
              const before = held.get(each);
              expect(before?.state, `slot ${each} was lent`).not.toBe(LIVE);
              if (before) ended.push([each, before.word]);
              held.set(each, { thread, word: wordOf(table, each), state: LIVE });
            }
          }
        }
        expectTaken(
          table,
          ...[...held].map(([ref, { thread, state }]) => [thread, [ref], state] as const),
        );
      },
    ),
    { numRuns: 1000 },
  );
});
