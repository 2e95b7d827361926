/** The readers-writer lock in every order of its steps, with deaths at each of them. */
import { RwLock } from '@millrace/core';
import type { Case, ThreadBody, ThreadContext, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import {
  AT,
  OBSERVER,
  SOMETIME,
  endsWith,
  ensure,
  expectNoFault,
  idOf,
  parking,
  random,
  sweeperOf,
  within,
} from './exploring.ts';

/** Plain notes, written by writers alone: two that are the same when no writer is inside. */
const LEFT = 0;
const RIGHT = 1;

const lockOf = ({ words, thread }: ThreadContext): RwLock =>
  new RwLock(words, AT, idOf(thread), parking);

function look(words: Int32Array, outcome: string): void {
  const same = words[LEFT] === words[RIGHT];
  ensure(outcome === 'abandoned' || same, 'Nobody told that a writer died inside');
}

const reads =
  (rounds = 1, limits?: typeof SOMETIME): ThreadBody =>
  (context) => {
    const lock = lockOf(context);
    for (let i = 0; i < rounds; i++) {
      if (endsWith('ERR_TIMEOUT', () => look(context.words, lock.readLock(limits)))) continue;
      lock.readUnlock();
    }
    return 0;
  };

const writes =
  (rounds = 1, limits?: typeof SOMETIME): ThreadBody =>
  (context) => {
    const { words } = context;
    const lock = lockOf(context);
    let written = 0;
    for (let i = 0; i < rounds; i++) {
      if (endsWith('ERR_TIMEOUT', () => look(words, lock.writeLock(limits)))) continue;
      words[LEFT] = words[LEFT]! + 1;
      words[RIGHT] = words[LEFT]!;
      lock.writeUnlock();
      written++;
    }
    return written;
  };

const triesToWrite: ThreadBody = (context) => {
  const { words } = context;
  const lock = lockOf(context);
  if (lock.tryWriteLock() === undefined) return 0;
  words[LEFT] = words[LEFT]! + 1;
  words[RIGHT] = words[LEFT]!;
  lock.writeUnlock();
  return 1;
};

const triesToRead: ThreadBody = (context) => {
  const lock = lockOf(context);
  const outcome = lock.tryReadLock();
  if (outcome === undefined) return 0;
  look(context.words, outcome);
  lock.readUnlock();
  return 0;
};

const sweep = ({ words, thread }: ThreadContext): void => {
  new RwLock(words, AT, sweeperOf(thread), parking).reclaim(idOf(thread));
};

function isFree({ words, raw, results, killed }: World): void {
  const lock = new RwLock(words, AT, OBSERVER, parking);
  const { writer, readers, waitingReaders, waitingWriters } = lock.stats();
  ensure(writer === undefined, `${writer} writes`);
  ensure(readers.length === 0, `${readers.length} read`);
  ensure(waitingReaders.length + waitingWriters.length === 0, 'Some wait');
  ensure(lock.tryWriteLock() !== undefined, 'What is free cannot be had');
  const written = results.reduce<number>((sum, count) => sum + Number(count ?? 0), 0);
  ensure(killed.length > 0 || raw[RIGHT] === written, `${raw[RIGHT]} of ${written} are written`);
}

const rwLock: Omit<Case, 'name' | 'threads'> = {
  words: AT + RwLock.words(OBSERVER),
  check: isFree,
};

describe('a readers-writer lock', () => {
  test('keeps a writer alone, from readers and other writers', () => {
    expectNoFault({ ...rwLock, threads: [reads(), writes()] });
    expectNoFault({ ...rwLock, threads: [writes(), writes()] });
    expectNoFault({ ...rwLock, threads: [reads(), writes(), reads()], mode: within(2) });
    expectNoFault({ ...rwLock, threads: [reads(), writes(), writes()], mode: within(2) });
  });

  test('lets them take turns', () => {
    expectNoFault({ ...rwLock, threads: [reads(2), writes(2)], mode: within(3) });
  });

  test('goes on when some give up', () => {
    expectNoFault({ ...rwLock, threads: [reads(1, SOMETIME), writes()] });
    expectNoFault({ ...rwLock, threads: [reads(), writes(1, SOMETIME)] });
    expectNoFault({
      ...rwLock,
      threads: [reads(1, SOMETIME), writes(), writes(1, SOMETIME)],
      mode: within(2),
    });
    expectNoFault({ ...rwLock, threads: [triesToRead, writes(), triesToWrite], mode: within(2) });
  });

  test('comes back from a thread that dies, at any step, and tells who comes next', () => {
    const deadly = { ...rwLock, kills: 1, sweep };
    expectNoFault({ ...deadly, threads: [reads(), writes()], mode: within(3) });
    expectNoFault({ ...deadly, threads: [writes(), writes()], mode: within(3) });
    expectNoFault({ ...deadly, threads: [reads(), writes(), reads()], mode: within(1) });
    expectNoFault({ ...deadly, threads: [reads(), writes(), writes()], mode: within(1) });
  });

  test('comes back from any number that die', () => {
    const four = [reads(2), writes(2), reads(1, SOMETIME), writes(1, SOMETIME)];
    expectNoFault({ ...rwLock, kills: 3, sweep, threads: four, mode: random(20_000) });
  });
});
