/** Slices that are handed over and shared, in every order of their steps, with deaths at each of them. */
import { slotRef, type PoolRoom } from '@millrace/core/internal';
import type { ThreadBody, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { ensure, expectNoFault, idOf, within } from './exploring.ts';
import { HALF, Memory, NOTES, WHOLE, give, holding, lends, take, takeRun } from './room.ts';

const one = new Memory(1);
const two = new Memory(2);

/** Notes: the lease that the setup made for thread 0, and the word by which others join it. */
const LEASE = NOTES;
const SHARED = NOTES + 1;
const REF = slotRef(0, 0);

/** Thread 0 holds slot 0. */
const held = (sizeClass: number, memory = one) =>
  memory.case((of) => {
    const room = of(idOf(0));
    room.words[LEASE] = take(room, sizeClass)!.lease;
  });

/** Thread 0 shares slot 0, which is a run if no size class is named. */
const shared = (sizeClass: number | undefined, memory = one) =>
  memory.case((of) => {
    const room = of(idOf(0));
    const { lease } = sizeClass === undefined ? takeRun(room)! : take(room, sizeClass)!;
    room.words[SHARED] = room.sharing.share(REF, lease)!;
  });

const roomOf = one.thread.bind(one);

/** Adopts slot 0, and releases it. */
const adopts: ThreadBody = (context) => {
  const room = roomOf(context);
  const lease = room.adopt(REF, context.words[LEASE]!);
  if (lease === undefined) return false;
  holding(room, { ref: REF, lease });
  ensure(give(room, { ref: REF, lease }, HALF), 'What was adopted is another’s');
  return true;
};

/** Adopts and hands over again. */
const passesOn: ThreadBody = (context) => {
  const room = roomOf(context);
  const lease = room.adopt(REF, context.words[LEASE]!);
  if (lease === undefined) return;
  holding(room, { ref: REF, lease });
  Atomics.store(context.words, LEASE + 8, lease);
};

const adoptsLater: ThreadBody = (context) => {
  const room = roomOf(context);
  const given = Atomics.load(context.words, LEASE + 8);
  const lease = given === 0 ? undefined : room.adopt(REF, given);
  if (lease === undefined) return;
  holding(room, { ref: REF, lease });
  give(room, { ref: REF, lease }, HALF);
};

const releases: ThreadBody = (context) => {
  const room = roomOf(context);
  return give(room, { ref: REF, lease: context.words[LEASE]! }, HALF);
};

const joins =
  (memory = one, times = 1): ThreadBody =>
  (context) => {
    const room = memory.thread(context);
    for (let i = 0; i < times; i++) {
      if (!room.sharing.join(REF, context.words[SHARED]!)) continue;
      ensure(room.holds(REF, context.words[SHARED]!), 'It sits on what has ended');
      room.sharing.leave(REF);
      room.waiting.call();
    }
  };

const leaves =
  (memory = one): ThreadBody =>
  (context) => {
    const room = memory.thread(context);
    room.sharing.leave(REF);
    room.waiting.call();
  };

/** Shares the slot that it holds, and leaves. */
const shares: ThreadBody = (context) => {
  const room = roomOf(context);
  const word = room.sharing.share(REF, context.words[LEASE]!);
  if (word === undefined) return;
  Atomics.store(context.words, SHARED, word);
  room.sharing.leave(REF);
};

/** Joins if it is told with what in time. */
const joinsIfTold: ThreadBody = (context) => {
  const room = roomOf(context);
  const word = Atomics.load(context.words, SHARED);
  if (word !== 0 && room.sharing.join(REF, word)) room.sharing.leave(REF);
};

/** Leases, shares and leaves the slot anew, when those who were late may still sit there. */
const sharesAnew: ThreadBody = (context) => {
  const room = roomOf(context);
  leaves()(context);
  const again = take(room, HALF);
  if (!again) return;
  ensure(room.sharing.share(again.ref, again.lease) !== undefined, 'A lease has ended by itself');
  room.sharing.leave(again.ref);
};

function exactlyOne(world: World): void {
  ensure(world.results.filter(Boolean).length === 1, 'It was not one who got it');
  one.ensureWhole(world);
}

describe('a slice that is handed over', () => {
  test('is adopted by exactly one', () => {
    const set = { ...held(HALF), check: exactlyOne };
    expectNoFault({ ...set, threads: [() => false, adopts, adopts] });
    expectNoFault({ ...set, threads: [() => false, adopts, adopts, adopts], mode: within(2) });
  });

  test('is its giver’s or its taker’s', () => {
    expectNoFault({ ...held(HALF), check: exactlyOne, threads: [releases, adopts] });
    expectNoFault({ ...held(HALF), check: exactlyOne, threads: [releases, adopts, adopts] });
    expectNoFault({
      ...held(HALF),
      threads: [releases, adopts, lends(one, WHOLE)],
      mode: within(2),
    });
  });

  test('ends with the one that holds it when it dies', () => {
    const set = { ...held(HALF), kills: 1 };
    expectNoFault({ ...set, threads: [releases, adopts], mode: within(1) });
    const dies: ThreadBody = (context) => void Atomics.load(roomOf(context).words, LEASE);
    const check = (world: World): void => one.ensureWhole(world, isHeldBySomeone(world) ? 1 : 0);
    expectNoFault({ ...set, check, threads: [dies, adopts, adopts], mode: within(1) });
    expectNoFault({ ...set, kills: 2, check, threads: [dies, adopts], mode: within(1) });
    expectNoFault({ ...set, check, threads: [dies, passesOn, adoptsLater], mode: within(1) });
  });
});

/** Whether nobody has taken it, or only to pass it on, and the one who has it lives. */
function isHeldBySomeone({ raw, words }: World): boolean {
  const room: PoolRoom = one.roomOf(words, idOf(0));
  return (raw[room.layout.slotsAt]! & 7) === 2;
}

describe('a shared slice', () => {
  test('is freed by the last who leaves, once', () => {
    expectNoFault({ ...shared(HALF), threads: [leaves(), joins()] });
    expectNoFault({ ...shared(WHOLE), threads: [leaves(), joins(one, 2)] });
    expectNoFault({ ...shared(HALF), threads: [leaves(), joins(), joins()], mode: within(2) });
    expectNoFault({ ...held(HALF), threads: [shares, joinsIfTold] });
    expectNoFault({ ...held(HALF), threads: [shares, joinsIfTold, joinsIfTold], mode: within(2) });
  });

  test('is another lease when it is shared anew', () => {
    expectNoFault({ ...shared(WHOLE), threads: [sharesAnew, joins()] });
    expectNoFault({
      ...shared(HALF),
      threads: [sharesAnew, joins(), lends(one, WHOLE)],
      mode: within(1),
    });
  });

  test('may be a run', () => {
    const set = shared(undefined, two);
    expectNoFault({ ...set, threads: [leaves(two), joins(two)] });
    expectNoFault({
      ...set,
      threads: [leaves(two), joins(two), lends(two, HALF)],
      mode: within(1),
    });
    expectNoFault({ ...set, kills: 1, threads: [leaves(two), joins(two)], mode: within(1) });
  });

  test('is freed wherever a thread dies', () => {
    for (const threads of [
      [leaves(), joins()],
      [sharesAnew, joins()],
    ]) {
      expectNoFault({ ...shared(WHOLE), kills: 1, threads, mode: within(1) });
    }
    const three = [leaves(), joins(), joins()];
    expectNoFault({ ...shared(WHOLE), kills: 1, threads: three, sweeps: 'last', mode: within(1) });
    expectNoFault({
      ...shared(WHOLE),
      kills: 2,
      threads: [leaves(), joins()],
      sweeps: 'last',
      mode: within(1),
    });
    expectNoFault({ ...held(WHOLE), kills: 1, threads: [shares, joinsIfTold], mode: within(1) });
  });
});
