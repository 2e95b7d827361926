import { MessageRing, type MessageRingShape, type ThreadId } from '@millrace/core';
import {
  CELLS_CLAIMED as CLAIMED,
  CELLS_FREE as FREE,
  CELLS_PUBLISHED as PUBLISHED,
  CELLS_READING as READING,
  claim,
  countOf,
  idle,
  isClaim,
  isIdle,
  kindOf,
  ownerOf,
  restOf,
  runBitsOf,
  runOf,
} from '@millrace/core/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const RUNS = 1000;
const ME = 1 as ThreadId;
const OTHER = 2 as ThreadId;
const THIRD = 3 as ThreadId;
const starts = [0, 2 ** 31 - 3, 2 ** 32 - 3];
/** With free cells in runs of one, and with all in one run of which every push takes a part. */
const beginnings = starts.flatMap((start) => [[start, false] as const, [start, true] as const]);

/** The same ring as each of several threads sees it. */
function ringOf(shape: MessageRingShape, start = 0): (thread: ThreadId) => MessageRing {
  const words = new Int32Array(new SharedArrayBuffer(MessageRing.words(shape) * 4));
  new MessageRing(words, 0, shape, ME).reset(start);
  return (thread) => new MessageRing(words, 0, shape, thread);
}

function popAll(ring: MessageRing): number[][] {
  const target = new Int32Array(ring.messageWords);
  const all: number[][] = [];
  for (let length = ring.pop(target); length >= 0; length = ring.pop(target)) {
    all.push([...target.subarray(0, length)]);
  }
  return all;
}

/** Lets all cells go round once, in one run. */
function goRound(ring: MessageRing): void {
  const messages = new Int32Array(ring.cells * ring.messageWords);
  expect(ring.pushBatch(messages, ring.cells)).toBe(ring.cells);
  expect(ring.popBatch(messages, ring.cells)).toBe(ring.cells);
}

function wordsOf(...values: number[]): Int32Array {
  return Int32Array.from(values);
}

describe('A cell’s state', () => {
  test('keeps what was packed into it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(CLAIMED, READING),
        fc.integer({ min: 0, max: 2 ** 30 - 1 }),
        fc.integer({ min: 1, max: 127 }),
        fc.integer({ min: 1, max: 1023 }),
        fc.integer({ min: 0, max: 1023 }),
        (kind, lap, owner, count, rest) => {
          const state = claim(kind, lap, owner, count, rest);
          expect(state).toBe(state | 0);
          expect([kindOf(state), ownerOf(state), countOf(state), restOf(state)]).toEqual([
            kind,
            owner,
            count,
            rest,
          ]);
          expect(isClaim(state, kind, lap)).toBe(true);
          expect(isClaim(state, kind, lap + 1)).toBe(false);
          expect(isClaim(state, kind, lap - 1)).toBe(false);
          expect(isClaim(state, kind === CLAIMED ? READING : CLAIMED, lap)).toBe(false);
        },
      ),
      { numRuns: RUNS },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(FREE, PUBLISHED),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(),
        fc.nat(),
        (kind, bits, anyLap, anyRun) => {
          const runBits = runBitsOf(2 ** bits);
          const laps = 2 ** (30 - runBits);
          const lap = anyLap % laps;
          const run = 1 + (anyRun % 2 ** runBits);
          const state = idle(kind, lap, run, runBits);
          expect(state).toBe(state | 0);
          expect([kindOf(state), runOf(state, runBits)]).toEqual([kind, run]);
          expect(isIdle(state, kind, lap, runBits)).toBe(true);
          expect(isIdle(state, kind, (lap + 1) % laps, runBits)).toBe(false);
          expect(isIdle(state, kind, (lap + laps / 2) % laps, runBits)).toBe(false);
          expect(isIdle(state, kind === FREE ? PUBLISHED : FREE, lap, runBits)).toBe(false);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

describe('A message ring', () => {
  test('is a bounded queue of messages, one by one and in batches, wherever its positions begin', () => {
    const step = fc.record({
      action: fc.constantFrom('push', 'pushBatch', 'pop', 'popBatch'),
      count: fc.nat(10),
      thread: fc.constantFrom(ME, OTHER),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(2, 4, 8),
        fc.oneof(fc.constantFrom(...starts), fc.nat(2 ** 32 - 1)),
        fc.array(step, { maxLength: 80 }),
        (cells, start, steps) => {
          const messageWords = 7;
          const ring = ringOf({ cells, messageWords }, start);
          const messageOf = (length: number, ...parts: number[]): number[] =>
            Array.from({ length }, (_, w) => [...parts, w].reduce((sum, part) => sum * 16 + part));
          const threads = new Map([ME, OTHER].map((thread) => [thread, ring(thread)]));
          const queue: number[][] = [];
          let next = 0;
          for (const { action, count, thread } of steps) {
            const mine = threads.get(thread)!;
            switch (action) {
              case 'push': {
                const message = messageOf(count % 8, next);
                const fits = queue.length < cells;
                expect(mine.push(wordsOf(...message))).toBe(fits);
                if (fits) queue.push(message);
                break;
              }
              case 'pushBatch': {
                const messages = Array.from({ length: count }, (_, i) =>
                  messageOf(messageWords, next, i),
                );
                const fit = Math.min(count, cells - queue.length);
                expect(mine.pushBatch(wordsOf(...messages.flat()), count)).toBe(fit);
                queue.push(...messages.slice(0, fit));
                break;
              }
              case 'pop': {
                const wanted = queue.shift();
                const target = new Int32Array(messageWords);
                expect(mine.pop(target)).toBe(wanted?.length ?? -1);
                if (wanted) expect([...target.subarray(0, wanted.length)]).toEqual(wanted);
                break;
              }
              case 'popBatch': {
                const wanted = queue.splice(0, count);
                const target = new Int32Array(messageWords * count);
                const lengths = new Int32Array(count);
                expect(mine.popBatch(target, count, lengths)).toBe(wanted.length);
                const got = wanted.map((_, i) => {
                  const at = i * messageWords;
                  return [...target.subarray(at, at + lengths[i]!)];
                });
                expect(got).toEqual(wanted);
                break;
              }
            }
            next++;
            const { published, free, head, tail } = ring(ME).stats();
            expect([published, free]).toEqual([queue.length, cells - queue.length]);
            expect((tail - head) >>> 0).toBe(queue.length);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('lets another producer in at every step of a push, and loses nothing', () => {
    for (const [start, round] of beginnings) {
      const gaps = atEveryGap((interrupt) => {
        const ring = ringOf({ cells: 8, messageWords: 1 }, start);
        const [mine, other] = [ring(ME), ring(OTHER)];
        if (round) goRound(mine);
        interrupt(
          () => expect(mine.pushBatch(wordsOf(1, 2, 3), 3)).toBe(3),
          () => expect(other.pushBatch(wordsOf(11, 12), 2)).toBe(2),
        );
        // Wherever that left TAIL, both go on from there.
        expect(mine.push(wordsOf(4))).toBe(true);
        expect(other.push(wordsOf(13))).toBe(true);
        const got = popAll(mine).flat();
        expect(got.filter((value) => value < 10)).toEqual([1, 2, 3, 4]);
        expect(got.filter((value) => value > 10)).toEqual(got.length === 7 ? [11, 12, 13] : [13]);
        goRound(other);
      });
      expect(gaps).toBeGreaterThan(10);
    }
  });

  test('lets another consumer in at every step of a pop, and hands out each message once', () => {
    for (const start of starts) {
      atEveryGap((interrupt) => {
        const ring = ringOf({ cells: 8, messageWords: 1 }, start);
        const [mine, other] = [ring(ME), ring(OTHER)];
        mine.pushBatch(wordsOf(1, 2, 3, 4, 5), 5);
        const got: number[] = [];
        const pop = (from: MessageRing, count: number): void => {
          const target = new Int32Array(count);
          got.push(...target.subarray(0, from.popBatch(target, count)));
        };
        interrupt(
          () => pop(mine, 3),
          () => pop(other, 2),
        );
        got.push(...popAll(mine).flat());
        expect(got.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
        expect(mine.stats()).toMatchObject({ free: 8 });
        // Wherever that left HEAD, both go on from there.
        mine.push(wordsOf(6));
        expect(popAll(other)).toEqual([[6]]);
        goRound(mine);
      });
    }
  });

  test('takes no cell whose message is still being read', () => {
    atEveryGap((interrupt) => {
      const ring = ringOf({ cells: 4, messageWords: 1 }, 2 ** 32 - 2);
      const [mine, other] = [ring(ME), ring(OTHER)];
      mine.pushBatch(wordsOf(1, 2, 3, 4), 4);
      const target = new Int32Array(3);
      let added = 0;
      interrupt(
        () => expect(mine.popBatch(target, 3)).toBe(3),
        () => (added = other.pushBatch(wordsOf(5, 6, 7), 3)),
      );
      expect([...target]).toEqual([1, 2, 3]);
      expect(popAll(mine).flat()).toEqual([4, 5, 6, 7].slice(0, 1 + added));
    });
  });

  test('passes over the messages of a producer that died at any step, and goes on', () => {
    for (const [start, round] of beginnings) {
      let voided = 0;
      dyingAtEveryGap((mortal) => {
        const ring = ringOf({ cells: 8, messageWords: 1 }, start);
        const [dead, heir] = [ring(ME), ring(OTHER)];
        if (round) goRound(heir);
        heir.push(wordsOf(10));
        mortal(() => dead.pushBatch(wordsOf(1, 2, 3), 3));
        // Before the sweep, too, others may go on behind the dead one's claim.
        expect(heir.push(wordsOf(11))).toBe(true);
        heir.reclaim(ME);
        expect(heir.push(wordsOf(12))).toBe(true);
        const got = popAll(heir);
        expect([
          [[10], [11], [12]],
          [[10], [1], [2], [3], [11], [12]],
        ]).toContainEqual(got);
        voided += heir.stats().voided;
        expect(heir.stats().voided % 3).toBe(0);
        expect(heir.stats()).toMatchObject({ free: 8, claimed: 0, reading: 0, published: 0 });
        goRound(heir);
      });
      expect(voided).toBeGreaterThan(0);
    }
  });

  test('hands over the messages of a consumer that died at any step, whole, and goes on', () => {
    for (const start of starts) {
      let orphaned = 0;
      dyingAtEveryGap((mortal) => {
        const ring = ringOf({ cells: 4, messageWords: 2 }, start);
        const [dead, heir] = [ring(ME), ring(OTHER)];
        heir.push(wordsOf(1));
        heir.push(wordsOf(2, 22));
        heir.push(wordsOf(3));
        heir.push(wordsOf(4));
        const target = new Int32Array(6);
        let popped = 0;
        mortal(() => (popped = dead.popBatch(target, 3)));
        const orphans: number[][] = [];
        heir.reclaim(ME, (message) => orphans.push([...message]));
        if (orphans.length > 0) expect(orphans).toEqual([[1], [2, 22], [3]]);
        orphaned += orphans.length;
        const rest = popAll(heir);
        const untouched = orphans.length === 0 && popped === 0 && rest.length === 4;
        expect(rest).toEqual(untouched ? [[1], [2, 22], [3], [4]] : [[4]]);
        expect(heir.stats()).toMatchObject({ free: 4, claimed: 0, reading: 0, published: 0 });
        goRound(heir);
      });
      expect(orphaned).toBeGreaterThan(0);
    }
  });

  test('can be swept again by the next when its sweeper dies, too, at any step', () => {
    for (const side of ['push', 'pop'] as const) {
      dyingAtEveryGap((dying) => {
        dyingAtEveryGap((sweeping) => {
          const ring = ringOf({ cells: 4, messageWords: 1 }, 2 ** 31 - 2);
          const [dead, sweeper, heir] = [ring(ME), ring(OTHER), ring(THIRD)];
          if (side === 'pop') heir.pushBatch(wordsOf(1, 2, 3), 3);
          dying(() => {
            if (side === 'pop') dead.popBatch(new Int32Array(2), 2);
            else dead.pushBatch(wordsOf(1, 2), 2);
          });
          sweeping(() => sweeper.reclaim(ME));
          heir.reclaim(ME);
          popAll(heir);
          expect(heir.stats()).toMatchObject({ free: 4, claimed: 0, reading: 0, published: 0 });
          expect(heir.pushBatch(wordsOf(5, 6, 7, 8), 4)).toBe(4);
          expect(popAll(heir).flat()).toEqual([5, 6, 7, 8]);
        });
      });
    }
  });

  test('leaves alone what other threads have claimed', () => {
    const ring = ringOf({ cells: 4, messageWords: 1 });
    const bystander = ring(THIRD);
    atEveryGap((interrupt) => {
      const target = new Int32Array(1);
      interrupt(
        () => ring(ME).push(wordsOf(5)),
        () => bystander.reclaim(OTHER),
      );
      expect(ring(ME).pop(target)).toBe(1);
      expect(target[0]).toBe(5);
    });
    expect(bystander.stats()).toMatchObject({ voided: 0, orphaned: 0 });
  });

  test('refuses shapes, places, threads and messages that cannot be', () => {
    const shape = { cells: 4, messageWords: 2 };
    const memory = new Int32Array(MessageRing.words(shape));
    const make = (at: number, part: Partial<MessageRingShape>, thread: number) => (): MessageRing =>
      new MessageRing(memory, at, { ...shape, ...part }, thread as ThreadId);
    const wrong = [
      make(1, {}, 1),
      make(-1, {}, 1),
      make(0, { cells: 1 }, 1),
      make(0, { cells: 3 }, 1),
      make(0, { cells: 8 }, 1),
      make(0, { messageWords: 0 }, 1),
      make(0, { messageWords: Number.NaN }, 1),
      make(0, {}, 0),
      make(0, {}, 128),
    ];
    for (const attempt of wrong) expect(codeOf(attempt)).toBe('ERR_INVALID_ARG');
    const ring = make(0, {}, 1)();
    expect(codeOf(() => ring.push(new Int32Array(3)))).toBe('ERR_SIZE');
    for (const length of [-1, 2, 0.5, Number.NaN]) {
      expect(codeOf(() => ring.push(new Int32Array(1), length))).toBe('ERR_SIZE');
    }
    expect(codeOf(() => ring.pushBatch(new Int32Array(4), 1.5))).toBe('ERR_SIZE');
    expect(codeOf(() => ring.pushBatch(new Int32Array(3), 2))).toBe('ERR_SIZE');
    expect(codeOf(() => ring.pop(new Int32Array(1)))).toBe('ERR_SIZE');
    expect(codeOf(() => ring.popBatch(new Int32Array(4), -1))).toBe('ERR_SIZE');
    expect(ring.stats()).toMatchObject({ head: 0, tail: 0, free: 4 });
  });
});
