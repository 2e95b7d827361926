/** Waiting for memory: whoever waits is woken by whatever brings a slot into reach. A wake-up that is lost is a deadlock here. */
import type { Case, ThreadBody, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { SOMETIME, endsWith, ensure, expectNoFault, idOf, within } from './exploring.ts';
import {
  HALF,
  Memory,
  NOTES,
  SMALL,
  WHOLE,
  give,
  giveRun,
  lends,
  lendsRun,
  lendsTwo,
  opened,
  take,
  takeRun,
} from './room.ts';

const one = new Memory(1);
const two = new Memory(2);

const waits =
  (memory: Memory, sizeClass: number, limits = {}): ThreadBody =>
  (context) => {
    const room = memory.thread(context);
    endsWith('ERR_TIMEOUT', () => {
      const held = room.waiting.wait(sizeClass, () => take(room, sizeClass), limits);
      ensure(give(room, held, sizeClass), 'A lease has ended before its release');
    });
  };

const waitsForRun =
  (memory: Memory): ThreadBody =>
  (context) => {
    const room = memory.thread(context);
    giveRun(
      room,
      room.waiting.wait(WHOLE, () => takeRun(room), {}),
    );
  };

/** Leases, and keeps it. */
const keeps =
  (memory: Memory, sizeClass: number): ThreadBody =>
  (context) =>
    take(memory.thread(context), sizeClass) !== undefined;

const retires: ThreadBody = (context) => void one.thread(context).life.retire(0);

const trims: ThreadBody = (context) => {
  const room = one.thread(context);
  lends(one, SMALL)(context);
  room.pools[SMALL]!.flush();
  room.waiting.call();
};

/** Leases made by thread 0 before: one slab of class `sizeClass`, and all of it lent. */
const lent = (sizeClass: number, count: number) =>
  one.case((of) => {
    const room = of(idOf(0));
    for (let i = 0; i < count; i++) room.words[NOTES + i] = take(room, sizeClass)!.lease;
  });

const release =
  (sizeClass: number, count: number): ThreadBody =>
  (context) => {
    const room = one.thread(context);
    for (let i = 0; i < count; i++) {
      give(room, { ref: i as never, lease: context.words[NOTES + i]! }, sizeClass);
    }
  };

/** A release looks at ATTENTION plainly, and may see as late as the memory model allows that somebody waits. */
function expectNoLateFault(of: Omit<Case, 'name'>): void {
  expectNoFault({ ...of, racyReads: 'oldest' });
}

/** However late or early that is. */
function expectNoFaultWhenever(of: Omit<Case, 'name'>): void {
  expectNoLateFault(of);
  expectNoFault({ ...of, racyReads: 'latest' });
}

describe('who waits for a slot', () => {
  test('is woken by a release', () => {
    for (const [sizeClass, count] of [
      [WHOLE, 1],
      [HALF, 2],
      [SMALL, 2],
    ] as const) {
      const set = lent(sizeClass, count);
      const mode = within(2);
      expectNoFaultWhenever({
        ...set,
        threads: [release(sizeClass, count), waits(one, sizeClass)],
        mode,
      });
      expectNoFaultWhenever({
        ...opened(one, sizeClass),
        threads: [lends(one, sizeClass), waits(one, sizeClass)],
        mode,
      });
    }
    expectNoFaultWhenever({
      ...opened(one, SMALL),
      threads: [lendsTwo(one, SMALL), waits(one, SMALL)],
      mode: within(2),
    });
    expectNoFaultWhenever({
      ...opened(one, SMALL),
      threads: [lends(one, SMALL, 2), waits(one, SMALL)],
      mode: within(2),
    });
  });

  test('is woken when a slab of another class comes free', () => {
    const mode = within(2);
    expectNoLateFault({ ...lent(HALF, 2), threads: [release(HALF, 2), waits(one, WHOLE)], mode });
    expectNoLateFault({ ...lent(SMALL, 2), threads: [release(SMALL, 2), waits(one, HALF)], mode });
    expectNoLateFault({
      ...opened(one, WHOLE),
      threads: [lends(one, WHOLE), waits(one, SMALL)],
      mode,
    });
  });

  test('is woken by who hides a slot for a moment', () => {
    const check = (world: World): void => one.ensureWhole(world, world.results[0] === true ? 1 : 0);
    const mode = within(2);
    expectNoLateFault({
      ...opened(one, SMALL),
      check,
      threads: [keeps(one, SMALL), waits(one, SMALL)],
      mode,
    });
    expectNoLateFault({ ...opened(one, HALF), threads: [retires, waits(one, HALF)], mode });
    const threads = [keeps(one, HALF), retires, waits(one, HALF)];
    expectNoLateFault({ ...opened(one, HALF), check, threads, mode });
    expectNoLateFault({ ...opened(one, SMALL), threads: [trims, waits(one, SMALL)], mode });
  });

  test('is served among several', () => {
    const mode = within(1);
    expectNoLateFault({
      ...lent(WHOLE, 1),
      threads: [release(WHOLE, 1), waits(one, WHOLE), waits(one, WHOLE)],
      mode,
    });
    expectNoLateFault({
      ...lent(HALF, 2),
      threads: [release(HALF, 2), waits(one, WHOLE), waits(one, HALF)],
      mode,
    });
    expectNoLateFault({
      ...lent(HALF, 2),
      threads: [release(HALF, 2), waits(one, WHOLE), waits(one, HALF, SOMETIME)],
      mode,
    });
  });

  test('may wait for a run', () => {
    const mode = within(2);
    expectNoLateFault({ ...two.case(), threads: [lends(two, HALF), waitsForRun(two)], mode });
    expectNoLateFault({
      ...two.case(),
      threads: [lendsRun(two), waitsForRun(two)],
      mode: within(1),
    });
    expectNoLateFault({
      ...two.case(),
      threads: [lendsRun(two), waits(two, HALF)],
      mode: within(1),
    });
  });

  test('is served, or leaves nothing behind, wherever a thread dies', () => {
    const mode = within(1);
    for (const [sizeClass, count] of [
      [WHOLE, 1],
      [SMALL, 2],
    ] as const) {
      const threads = [release(sizeClass, count), waits(one, sizeClass)];
      expectNoLateFault({ ...lent(sizeClass, count), threads, kills: 1, mode });
    }
    expectNoLateFault({
      ...lent(WHOLE, 1),
      threads: [release(WHOLE, 1), waits(one, WHOLE), waits(one, HALF)],
      kills: 1,
      sweeps: 'last',
      mode: within(0),
    });
  });
});
