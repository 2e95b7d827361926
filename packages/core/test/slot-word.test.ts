import type { ThreadId } from '@millrace/core';
import {
  CACHED,
  CLOSING,
  CORRUPTED,
  FREE,
  LIVE,
  RETURNING,
  SHARED,
  ended,
  generationOf,
  holderOf,
  pack,
  stateOf,
  withState,
} from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const LAST_GENERATION = 2 ** 22 - 1;

const anyState = fc.constantFrom(FREE, CACHED, LIVE, RETURNING, SHARED, CLOSING, CORRUPTED);
const anyHolder = fc.integer({ min: 0, max: 127 }).map((id) => id as ThreadId);
const anyGeneration = fc.oneof(
  fc.integer({ min: 0, max: LAST_GENERATION }),
  fc.constantFrom(0, 1, LAST_GENERATION - 1, LAST_GENERATION),
);

function expectParts(word: number, state: number, holder: number, generation: number): void {
  expect({
    state: stateOf(word),
    holder: holderOf(word),
    generation: generationOf(word),
  }).toEqual({ state, holder, generation });
}

test('state, holder and generation are read as they were packed', () => {
  fc.assert(
    fc.property(anyState, anyHolder, anyGeneration, (s, h, g) => {
      expectParts(pack(s, h, g), s, h, g);
    }),
    { numRuns: 2000 },
  );
});

test('a word equals itself after it was stored in an Int32Array', () => {
  fc.assert(
    fc.property(
      anyState,
      anyHolder,
      anyGeneration,
      anyState,
      anyHolder,
      (s, h, g, nextState, nextHolder) => {
        const word = pack(s, h, g);
        for (const each of [word, withState(word, nextState, nextHolder), ended(word, s, h)]) {
          expect(Int32Array.of(each)[0]).toBe(each);
        }
      },
    ),
  );
});

test('words that differ in any part differ', () => {
  const parts = fc.record({ s: anyState, h: anyHolder, g: anyGeneration });
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const same = a.s === b.s && a.h === b.h && a.g === b.g;
      expect(pack(a.s, a.h, a.g) === pack(b.s, b.h, b.g)).toBe(same);
    }),
  );
});

test('an untouched word is a free slot of nobody', () => {
  expectParts(0, FREE, 0, 0);
});

test('another state and holder leave the generation as it is', () => {
  fc.assert(
    fc.property(
      anyState,
      anyHolder,
      anyGeneration,
      anyState,
      anyHolder,
      (s, h, g, nextState, nextHolder) => {
        expectParts(withState(pack(s, h, g), nextState, nextHolder), nextState, nextHolder, g);
      },
    ),
  );
});

test('the end of a lease moves the generation on by one', () => {
  fc.assert(
    fc.property(
      anyState,
      anyHolder,
      anyGeneration,
      anyState,
      anyHolder,
      (s, h, g, nextState, nextHolder) => {
        const next = g === LAST_GENERATION ? 0 : g + 1;
        expectParts(ended(pack(s, h, g), nextState, nextHolder), nextState, nextHolder, next);
      },
    ),
    { numRuns: 2000 },
  );
});

test('the last generation is followed by the first, and neither state nor holder is touched', () => {
  const everyBitSet = pack(CORRUPTED, 127 as ThreadId, LAST_GENERATION);
  expectParts(ended(everyBitSet, FREE, 0), FREE, 0, 0);
  expectParts(ended(everyBitSet, CORRUPTED, 127 as ThreadId), CORRUPTED, 127, 0);
});

test('the generation comes round after 2^22 leases and no sooner', () => {
  const first = pack(LIVE, 1 as ThreadId, 0);
  let word = ended(first, LIVE, 1 as ThreadId);
  let leases = 1;
  for (; word !== first; leases++) word = ended(word, LIVE, 1 as ThreadId);
  expect(leases).toBe(2 ** 22);
});
