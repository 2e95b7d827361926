import { type BroadcastReader, BroadcastRing, type BroadcastRingShape } from '@millrace/core';
import { loadPosition, POSITION_WORDS, storePosition } from '@millrace/core/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const RUNS = 1000;
const STARTS = [0, 2 ** 30 - 3, 2 ** 31 - 3, 2 ** 32 - 3, 2 ** 52 - 3];

function ringOf(shape: BroadcastRingShape, start = 0): BroadcastRing {
  const words = new Int32Array(new SharedArrayBuffer(BroadcastRing.words(shape) * 4));
  const ring = new BroadcastRing(words, 0, shape);
  ring.reset(start);
  return ring;
}

function readAll(reader: BroadcastReader, messageWords: number): number[][] {
  const target = new Int32Array(messageWords);
  const all: number[][] = [];
  for (let length = reader.read(target); length >= 0; length = reader.read(target)) {
    all.push([...target.subarray(0, length)]);
  }
  return all;
}

/** The last `count` messages up to the one at `position`, where each is its position, twice. */
function latest(count: number, position: number): number[][] {
  return Array.from({ length: count }, (_, i) => [
    position - count + 1 + i,
    position - count + 1 + i,
  ]);
}

describe('A position in shared memory', () => {
  test('keeps every number to 2^53', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(2 ** 30 - 1), (position, ahead) => {
        const words = new Int32Array(POSITION_WORDS);
        storePosition(words, 0, position);
        expect(loadPosition(words, 0)).toBe(position);
        const next = Math.min(position + ahead, Number.MAX_SAFE_INTEGER);
        storePosition(words, 0, next);
        expect(loadPosition(words, 0)).toBe(next);
      }),
      { numRuns: RUNS },
    );
  });

  test('is the one before or the one after, whenever it is read or written, and whenever its writer dies', () => {
    for (const position of STARTS) {
      const words = new Int32Array(POSITION_WORDS);
      atEveryGap((interrupt) => {
        storePosition(words, 0, position);
        let seen = position;
        interrupt(
          () => storePosition(words, 0, position + 5),
          () => (seen = loadPosition(words, 0)),
        );
        expect([position, position + 5]).toContain(seen);
      });
      atEveryGap((interrupt) => {
        storePosition(words, 0, position);
        let seen = position;
        interrupt(
          () => (seen = loadPosition(words, 0)),
          () => storePosition(words, 0, position + 5),
        );
        expect([position, position + 5]).toContain(seen);
      });
      dyingAtEveryGap((mortal) => {
        storePosition(words, 0, position);
        mortal(() => storePosition(words, 0, position + 5));
        const left = loadPosition(words, 0);
        expect([position, position + 5]).toContain(left);
        storePosition(words, 0, left + 1);
        expect(loadPosition(words, 0)).toBe(left + 1);
      });
    }
  });
});

describe('A broadcast ring', () => {
  test('holds as many messages fewer as are announced ahead, and each is read or missed', () => {
    const turn = fc.record({ writes: fc.nat(9), reads: fc.nat(9) });
    fc.assert(
      fc.property(
        fc.constantFrom(...STARTS),
        fc.nat(4),
        fc.array(turn, { maxLength: 20 }),
        (start, ahead, turns) => {
          const ring = ringOf({ cells: 8, messageWords: 1 }, start);
          const writer = ring.writer({ ahead, polled: true });
          const reader = ring.reader('oldest');
          const target = new Int32Array(1);
          let [written, read] = [0, 0];
          for (const { writes, reads } of turns) {
            for (let n = 0; n < writes; n++) writer.write(Int32Array.of(written++));
            for (let n = 0; n < reads; n++) {
              const before = written - read - reader.missed;
              if (reader.read(target) < 0) break;
              expect(target[0]).toBe(reader.position - start - 1);
              read++;
              const missed = before - (written - read - reader.missed) - 1;
              if (missed > 0) expect(before).toBeGreaterThan(8 - ahead);
            }
          }
          while (reader.read(target) >= 0) read++;
          expect(read + reader.missed).toBe(written);
          const { intended } = ring.stats();
          expect(intended).toBeGreaterThanOrEqual(written);
          expect(intended).toBeLessThanOrEqual(written + ahead);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test.each([-1, 1.5, 5, Number.NaN])('cannot announce %d messages ahead', (ahead) => {
    const ring = ringOf({ cells: 8, messageWords: 1 });
    expect(codeOf(() => ring.writer({ ahead }))).toBe('ERR_INVALID_ARG');
  });

  test('gives each reader every message in order, or tells how many it missed', () => {
    const step = fc.record({
      action: fc.constantFrom('write', 'writeBatch', 'read', 'joinNewest', 'joinOldest'),
      count: fc.nat(8),
      who: fc.nat(3),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(2, 4, 8),
        fc.constantFrom(...STARTS),
        fc.array(step, { maxLength: 60 }),
        (cells, start, steps) => {
          const ring = ringOf({ cells, messageWords: 3 }, start);
          const writer = ring.writer();
          const written: number[][] = [];
          const readers: { reader: BroadcastReader; next: number; missed: number }[] = [];
          for (const { action, count, who } of steps) {
            const known = readers[who % Math.max(1, readers.length)];
            switch (action) {
              case 'write': {
                const message = [written.length, ~written.length, count].slice(0, count % 4);
                writer.write(Int32Array.from(message));
                written.push(message);
                break;
              }
              case 'writeBatch': {
                const batch = Array.from({ length: Math.min(count, cells) }, (_, i) => [
                  written.length,
                  i,
                  count,
                ]);
                writer.writeBatch(Int32Array.from(batch.flat()), batch.length);
                written.push(...batch);
                break;
              }
              case 'joinNewest':
                readers.push({ reader: ring.reader(), next: written.length, missed: 0 });
                break;
              case 'joinOldest': {
                const next = Math.max(0, written.length - cells);
                readers.push({ reader: ring.reader('oldest'), next, missed: 0 });
                break;
              }
              case 'read': {
                if (!known) break;
                const target = new Int32Array(3);
                const length = known.reader.read(target);
                if (known.next < written.length - cells) {
                  known.missed += written.length - cells / 2 - known.next;
                  known.next = written.length - cells / 2;
                }
                expect(known.reader.missed).toBe(known.missed);
                const wanted = written[known.next];
                expect(length).toBe(wanted?.length ?? -1);
                if (!wanted) break;
                expect([...target.subarray(0, length)]).toEqual(wanted);
                known.next++;
                break;
              }
            }
            expect(writer.position).toBe(start + written.length);
            expect(ring.stats()).toEqual({
              written: written.length,
              intended: written.length,
              overwritten: Math.max(0, written.length - cells),
            });
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('never gives a message that is written over while it is read', () => {
    for (const start of STARTS) {
      for (const writes of [1, 2, 4, 9]) {
        const gaps = atEveryGap((interrupt) => {
          const ring = ringOf({ cells: 4, messageWords: 2 }, start);
          const writer = ring.writer();
          const reader = ring.reader();
          for (let i = 0; i < 4; i++) writer.write(Int32Array.of(i, i));
          const target = new Int32Array(2);
          let length = -1;
          interrupt(
            () => (length = reader.read(target)),
            () => {
              for (let i = 4; i < 4 + writes; i++) writer.write(Int32Array.of(i, i));
            },
          );
          expect(length).toBe(2);
          expect(target[0]).toBe(target[1]);
          // What it gave and what it missed are all that were written up to there.
          expect(target[0]).toBe(reader.missed);
          expect(reader.position).toBe(start + reader.missed + 1);
        });
        expect(gaps).toBeGreaterThan(2);
      }
    }
  });

  test('shows nothing of a write in progress, and does not call whole what it writes over', () => {
    for (const start of STARTS) {
      atEveryGap((interrupt) => {
        const ring = ringOf({ cells: 4, messageWords: 1 }, start);
        const writer = ring.writer();
        const reader = ring.reader();
        writer.writeBatch(Int32Array.of(0, 1, 2, 3), 4);
        let seen: number[] = [];
        interrupt(
          () => writer.writeBatch(Int32Array.of(4, 5, 6), 3),
          () => (seen = readAll(reader, 1).flat()),
        );
        seen.push(...readAll(reader, 1).flat());
        expect(seen.length + reader.missed).toBe(7);
        expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6].filter((value) => seen.includes(value)));
      });
    }
  });

  test('goes on after a writer that died at any step: whole messages only, and all accounted for', () => {
    for (const start of STARTS) {
      dyingAtEveryGap((mortal) => {
        const ring = ringOf({ cells: 4, messageWords: 2 }, start);
        const dead = ring.writer();
        const reader = ring.reader();
        for (let i = 0; i < 4; i++) dead.write(Int32Array.of(i, i));
        mortal(() => dead.writeBatch(Int32Array.of(4, 4, 5, 5, 6, 6), 3));
        const heir = ring.writer();
        const next = heir.position - start;
        expect([4, 7]).toContain(next);
        heir.write(Int32Array.of(next, next));
        const seen = readAll(reader, 2);
        expect(seen.length + reader.missed).toBe(next + 1);
        // Every message says its own position: what the dead one has written over is in nobody's way.
        expect(seen).toEqual(latest(seen.length, next));
        const late = readAll(ring.reader('oldest'), 2);
        expect(late.length).toBeGreaterThan(0);
        expect(late).toEqual(latest(late.length, next));
      });
    }
  });

  test('refuses shapes, places and messages that cannot be', () => {
    const shape = { cells: 4, messageWords: 2 };
    const words = new Int32Array(BroadcastRing.words(shape));
    const make = (at: number, part: Partial<BroadcastRingShape>) => (): BroadcastRing =>
      new BroadcastRing(words, at, { ...shape, ...part });
    const wrong = [
      make(1, {}),
      make(-1, {}),
      make(0, { cells: 1 }),
      make(0, { cells: 3 }),
      make(0, { cells: 8 }),
      make(0, { messageWords: 0 }),
      make(0, { messageWords: 1.5 }),
    ];
    for (const attempt of wrong) expect(codeOf(attempt)).toBe('ERR_INVALID_ARG');
    const ring = make(0, {})();
    const writer = ring.writer();
    expect(codeOf(() => writer.write(new Int32Array(3)))).toBe('ERR_SIZE');
    expect(codeOf(() => writer.writeBatch(new Int32Array(3), 2))).toBe('ERR_SIZE');
    expect(codeOf(() => writer.writeBatch(new Int32Array(10), 5))).toBe('ERR_SIZE');
    expect(codeOf(() => ring.reader().read(new Int32Array(1)))).toBe('ERR_SIZE');
    expect(ring.stats()).toEqual({ written: 0, intended: 0, overwritten: 0 });
  });
});
