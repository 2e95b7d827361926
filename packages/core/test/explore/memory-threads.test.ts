/** Thread ids, and sweepers: who dies is swept once, even when its sweeper dies. */
import { sweep } from '@millrace/core/internal';
import type { ThreadId } from '@millrace/core';
import type { ThreadBody, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { ensure, expectNoFault, within } from './exploring.ts';
import { HALF, Memory, SMALL, WHOLE, give, lends, take } from './room.ts';

const one = new Memory(1);

/** One that died before the case begins, and what its runtime called it. */
const DEAD = 4 as ThreadId;

/** It held a slot of `sizeClass`, and another that it shares. */
const left = (sizeClass: number, shares = false) =>
  one.case((of) => {
    const room = of(DEAD);
    const held = take(room, sizeClass)!;
    if (shares) room.sharing.share(held.ref, held.lease);
  });

const sweeps: ThreadBody = (context) => sweep(one.thread(context), DEAD, DEAD);

const buries: ThreadBody = (context) => one.thread(context).registry.bury(DEAD, DEAD);

/** Sweeps, and takes an id. */
const sweepsAndRegisters: ThreadBody = (context) => {
  const room = one.thread(context);
  sweep(room, DEAD, DEAD);
  return room.registry.register(100 + context.thread);
};

const registers: ThreadBody = (context) =>
  one.thread(context).registry.register(100 + context.thread);

/** Takes an id, and is swept by itself, as its runtime would. */
const comesAndGoes: ThreadBody = (context) => {
  const room = one.thread(context);
  const owner = 100 + context.thread;
  const id = room.registry.register(owner);
  const mine = one.roomOf(context.words, id);
  const held = take(mine, SMALL);
  if (held) ensure(give(mine, held, SMALL), 'A sweep of who had the id before ends its lease');
  sweep(room, id, owner);
};

/** All that the dead held is back, and was counted once. */
function sweptOnce(world: World): void {
  const { results, killed } = world;
  const swept = (results as (number | undefined)[]).reduce<number>((sum, n) => sum + (n ?? 0), 0);
  ensure(swept === 1 || killed.length > 0, `${swept} leases were swept`);
  one.ensureWhole(world, 0, [DEAD]);
}

function distinct({ results, raw }: World): void {
  const [first, second] = results;
  ensure(first !== second, `Both are thread ${String(first)}`);
  for (const id of [first, second] as number[]) {
    ensure(raw[one.recordOf(id)] !== 0, `Thread ${id} is not alive`);
  }
}

describe('a thread id', () => {
  test('is one thread’s', () => {
    const set = { ...one.case(), check: distinct };
    expectNoFault({ ...set, threads: [registers, registers] });
    expectNoFault({ ...set, threads: [registers, registers, registers], mode: within(2) });
  });

  test('is given out again only after the sweep', () => {
    const wholeOrNot = (world: World): void => one.ensureLent(world, 0);
    const set = { ...left(HALF), check: wholeOrNot };
    expectNoFault({ ...set, threads: [sweepsAndRegisters, registers] });
    expectNoFault({ ...set, threads: [sweeps, comesAndGoes], mode: within(1) });
  });
});

describe('an id that was given out again', () => {
  test('is not buried in the place of who had it before', () => {
    const check = ({ results, raw }: World): void =>
      ensure((raw[one.recordOf(results[0] as number)]! & 3) === 1, 'Who lives is buried');
    expectNoFault({ ...left(HALF), check, threads: [sweepsAndRegisters, buries], mode: within(2) });
  });
});

describe('a dead thread', () => {
  test('is swept by one of those who try', () => {
    for (const set of [left(HALF), left(SMALL), left(WHOLE, true)]) {
      expectNoFault({ ...set, check: sweptOnce, threads: [sweeps, sweeps], mode: within(1) });
      expectNoFault({
        ...set,
        check: sweptOnce,
        threads: [sweeps, sweeps, sweeps],
        mode: within(1),
      });
    }
    const check = (world: World): void => one.ensureWhole(world, 0, [DEAD]);
    expectNoFault({
      ...left(HALF),
      check,
      threads: [sweeps, buries, lends(one, HALF)],
      mode: within(1),
    });
    expectNoFault({ ...left(SMALL), check, threads: [sweeps, lends(one, WHOLE)], mode: within(1) });
  });

  test('is swept to the end when its sweeper dies', () => {
    const check = (world: World): void =>
      one.isAlive(world, DEAD) ? one.ensureWhole(world, 1) : one.ensureWhole(world, 0, [DEAD]);
    for (const set of [left(HALF), left(WHOLE, true)]) {
      expectNoFault({
        ...set,
        check,
        kills: 1,
        threads: [sweeps, lends(one, HALF)],
        sweeps: 'atOnce',
        mode: within(1),
      });
      expectNoFault({ ...set, check, kills: 1, threads: [sweeps, sweeps], mode: within(0) });
    }
  });

  test('loses what it handed over to whoever adopts it in time', () => {
    const adopts: ThreadBody = (context) => {
      const here = one.thread(context);
      const lease = here.adopt(0 as never, context.words[31]!);
      if (lease !== undefined) give(here, { ref: 0 as never, lease }, HALF);
      return 0;
    };
    const set = one.case((of) => {
      const dead = of(DEAD);
      dead.words[31] = take(dead, HALF)!.lease;
    });
    const check = (world: World): void =>
      one.ensureWhole(
        world,
        one.isGone(world, DEAD) || !one.isLent(world) ? 0 : 1,
        one.isGone(world, DEAD) ? [DEAD] : [],
      );
    expectNoFault({ ...set, check, threads: [sweeps, adopts] });
    expectNoFault({
      ...set,
      check,
      kills: 1,
      threads: [sweeps, adopts],
      sweeps: 'last',
      mode: within(1),
    });
  });
});
