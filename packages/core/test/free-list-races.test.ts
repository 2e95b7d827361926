/** Two threads at one free list: at every step that one takes, the other does all that it wants to do. */
import type { ThreadId } from '@millrace/core';
import { LIVE, generationOf, slotRef, type FreeList, type SlotRef } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { wordOf } from './audit.ts';
import { expectTaken, lease, listOf, openList, steal, take } from './lists.ts';
import { createTable } from './memory.ts';
import { atEveryGap } from './steps.ts';

const me = 1 as ThreadId;
const other = 2 as ThreadId;
const third = 3 as ThreadId;
const MiB_CLASS = 6;
const table = createTable(1);

function give(list: FreeList, refs: Iterable<SlotRef>): void {
  for (const ref of refs) expect(list.give(ref, wordOf(table, ref))).toBe(true);
}

test.each<[what: string, meanwhile: (list: FreeList) => SlotRef[]]>([
  ['another takes, too', (list) => take(list, 2)],
  [
    'a sweep brings the slots that it is about to take into sight, and another takes those',
    (list) => {
      for (let slot = 0; slot < 4; slot++) list.show(slotRef(0, slot));
      return take(list, 4);
    },
  ],
])('no slot is taken twice or lost when a thread takes and %s', (_, meanwhile) => {
  const gaps = atEveryGap((interrupt) => {
    const list = openList(table, me, MiB_CLASS);
    const elsewhere = listOf(table, other, MiB_CLASS);
    const mine: SlotRef[] = [];
    let theirs: SlotRef[] = [];
    interrupt(
      () => list.take(2, (ref) => mine.push(ref)),
      () => (theirs = meanwhile(elsewhere)),
    );
    expectTaken(table, [me, mine], [other, theirs]);
  });
  expect(gaps).toBeGreaterThan(8);
});

test.each<[what: string, meanwhile: (list: FreeList) => SlotRef[]]>([
  ['leases, too', lease],
  ['steals', steal],
  ['steals all that there is', (list) => [1, 2, 3].flatMap(() => steal(list))],
])('a slot that a thread leases stays its own when another %s', (_, meanwhile) => {
  const gaps = atEveryGap((interrupt) => {
    const list = openList(table, me, MiB_CLASS);
    const elsewhere = listOf(table, other, MiB_CLASS);
    const mine: SlotRef[] = [];
    let theirs: SlotRef[] = [];
    interrupt(
      () => list.lease((ref) => mine.push(ref)),
      () => (theirs = meanwhile(elsewhere)),
    );
    expect(mine, 'there is one for each').toHaveLength(1);
    expectTaken(table, [me, mine, LIVE], [other, theirs, LIVE]);
  });
  expect(gaps).toBeGreaterThan(8);
});

test('of two thieves, each gets a slot of its own', () => {
  const gaps = atEveryGap((interrupt) => {
    const list = openList(table, me, MiB_CLASS);
    const elsewhere = listOf(table, other, MiB_CLASS);
    const stock = take(listOf(table, third, MiB_CLASS), 2);
    const mine: SlotRef[] = [];
    let theirs: SlotRef[] = [];
    interrupt(
      () => list.steal((ref) => mine.push(ref)),
      () => (theirs = steal(elsewhere)),
    );
    expect(mine).toHaveLength(1);
    const left = stock.filter((ref) => !mine.includes(ref) && !theirs.includes(ref));
    expectTaken(table, [third, left], [me, mine, LIVE], [other, theirs, LIVE]);
  });
  expect(gaps).toBeGreaterThan(5);
});

test('no slot is lost when a thread takes and another gives back', () => {
  const gaps = atEveryGap((interrupt) => {
    const list = openList(table, me, MiB_CLASS);
    const elsewhere = listOf(table, other, MiB_CLASS);
    const theirs = take(elsewhere, 2);
    const mine: SlotRef[] = [];
    interrupt(
      () => list.take(1, (ref) => mine.push(ref)),
      () => give(elsewhere, theirs.splice(0)),
    );
    expectTaken(table, [me, mine], [other, theirs]);
  });
  expect(gaps).toBeGreaterThan(8);
});

test('no slot is lost when a thread gives back and another takes all that it sees', () => {
  const gaps = atEveryGap((interrupt) => {
    const list = openList(table, me, MiB_CLASS);
    const elsewhere = listOf(table, other, MiB_CLASS);
    const mine = take(list, 4);
    let theirs: SlotRef[] = [];
    interrupt(
      () => give(list, mine.splice(0, 1)),
      () => (theirs = take(elsewhere, 4)),
    );
    expectTaken(table, [me, mine], [other, theirs]);
  });
  expect(gaps).toBeGreaterThan(3);
});

test('no slot is lost when a thread gives back and another does, too', () => {
  const gaps = atEveryGap((interrupt) => {
    const list = openList(table, me, MiB_CLASS);
    const elsewhere = listOf(table, other, MiB_CLASS);
    const mine = take(list, 2);
    const theirs = take(elsewhere, 2);
    interrupt(
      () => give(list, mine.splice(0)),
      () => give(elsewhere, theirs.splice(0)),
    );
    expectTaken(table, [other, theirs]);
  });
  expect(gaps).toBeGreaterThan(6);
});

test('no slot is lost when a sweep brings it into sight and another takes it, or gives it back', () => {
  const gaps = atEveryGap((interrupt) => {
    const list = openList(table, me, MiB_CLASS);
    const elsewhere = listOf(table, other, MiB_CLASS);
    const theirs = take(elsewhere, 2);
    interrupt(
      () => {
        for (let slot = 0; slot < 4; slot++) list.show(slotRef(0, slot));
      },
      () => {
        give(elsewhere, theirs.splice(0, 1));
        theirs.push(...take(elsewhere, 2));
      },
    );
    expectTaken(table, [other, theirs]);
  });
  expect(gaps).toBeGreaterThan(8);
});

test('of two who want the slot in a magazine at the same moment, its owner and a thief, one gets it', () => {
  const gaps = atEveryGap((interrupt) => {
    const list = openList(table, me, MiB_CLASS);
    const thief = listOf(table, other, MiB_CLASS);
    const [ref] = take(list, 1) as [SlotRef];
    const word = wordOf(table, ref);
    const stolen: SlotRef[] = [];
    let given = false;
    interrupt(
      () => thief.steal((each) => stolen.push(each)),
      () => (given = list.give(ref, word)),
    );
    expect(stolen, 'there is more for the thief').toHaveLength(1);
    if (!given) expect(stolen).toEqual([ref]);
    expectTaken(table, [other, stolen, LIVE]);
  });
  expect(gaps).toBeGreaterThan(3);
});

test('of two who give back the same lease at the same moment, one succeeds', () => {
  const gaps = atEveryGap((interrupt) => {
    const list = openList(table, me, MiB_CLASS);
    const elsewhere = listOf(table, other, MiB_CLASS);
    const [ref] = take(list, 1) as [SlotRef];
    const word = wordOf(table, ref);
    const outcomes: boolean[] = [];
    interrupt(
      () => outcomes.push(list.give(ref, word)),
      () => outcomes.push(elsewhere.give(ref, word)),
    );
    if (outcomes.length === 1) outcomes.push(list.give(ref, word));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(generationOf(wordOf(table, ref))).toBe(generationOf(word) + 1);
    expectTaken(table);
  });
  expect(gaps).toBeGreaterThan(3);
});
