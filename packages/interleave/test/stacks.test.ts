/** Lists of free slots: the ABA problem, and lists that do not have it. */
import { expect, test } from 'vitest';
import { explore, type Case, type ThreadBody } from '@millrace/interleave';
import { failureOf } from './failing.js';

/** The head holds a slot's number, 0 for none, below a tag; the next slot's number lies in word NEXT + slot. */
const HEAD = 0;
const NEXT = 1;
const SLOTS = 3;
const SLOT_BITS = 2;

class TaggedStack {
  readonly words: Int32Array;
  readonly tagMask: number;

  constructor(words: Int32Array, tagBits: number) {
    this.words = words;
    this.tagMask = (2 ** tagBits - 1) << SLOT_BITS;
  }

  pop(): number {
    for (;;) {
      const head = Atomics.load(this.words, HEAD);
      const slot = head & (2 ** SLOT_BITS - 1);
      if (slot === 0) return 0;
      const next = Atomics.load(this.words, NEXT + slot);
      if (this.#swing(head, next)) return slot;
    }
  }

  push(slot: number): void {
    for (;;) {
      const head = Atomics.load(this.words, HEAD);
      Atomics.store(this.words, NEXT + slot, head & (2 ** SLOT_BITS - 1));
      if (this.#swing(head, slot)) return;
    }
  }

  #swing(head: number, slot: number): boolean {
    const tag = (head + 2 ** SLOT_BITS) & this.tagMask;
    return Atomics.compareExchange(this.words, HEAD, head, tag | slot) === head;
  }
}

/** One thread takes a slot; another takes all three and gives the first back. */
function stackCase(tagBits: number): Case {
  const one: ThreadBody = ({ words }) => [new TaggedStack(words, tagBits).pop()];
  const all: ThreadBody = ({ words }) => {
    const stack = new TaggedStack(words, tagBits);
    const [first, ...rest] = [stack.pop(), stack.pop(), stack.pop()];
    if (first) stack.push(first);
    return rest;
  };
  return {
    name: `a stack with a tag of ${tagBits} bits`,
    words: NEXT + SLOTS + 1,
    setup({ words }) {
      const stack = new TaggedStack(words, tagBits);
      for (let slot = SLOTS; slot > 0; slot--) stack.push(slot);
      words[HEAD]! &= 2 ** SLOT_BITS - 1;
    },
    threads: [one, all],
    check({ words, results }) {
      const taken = (results as number[][]).flat().filter((slot) => slot !== 0);
      const stack = new TaggedStack(words, tagBits);
      for (let slot = stack.pop(); slot !== 0 && taken.length <= SLOTS; slot = stack.pop()) {
        taken.push(slot);
      }
      const found = taken.sort((a, b) => a - b).join();
      if (found !== '1,2,3') throw new Error(`the slots 1, 2 and 3 have become ${found}`);
    },
    nameOf: (index) => (index === HEAD ? 'head' : `next[${index - NEXT}]`),
  };
}

test('a stack without a tag hands out a slot twice', () => {
  const { code, message } = failureOf(stackCase(0));
  expect(code).toBe('ERR_CHECK_FAILED');
  expect(message).toContain('compareExchange(head, ');
});

test('a stack whose tag wraps hands out a slot twice', () => {
  expect(failureOf(stackCase(2)).code).toBe('ERR_CHECK_FAILED');
  expect(failureOf({ ...stackCase(2), mode: { kind: 'exhaustive', preemptions: 1 } }).code).toBe(
    'ERR_CHECK_FAILED',
  );
});

test('a stack whose tag is wide enough hands out each slot once', () => {
  expect(explore(stackCase(20)).complete).toBe(true);
});

test('a bitmap hands out each slot once, and needs no tag', () => {
  const take = (words: Int32Array): number => {
    for (;;) {
      const free = Atomics.load(words, 0);
      if (free === 0) return 0;
      const bit = free & -free;
      if ((Atomics.and(words, 0, ~bit) & bit) !== 0) return bit;
    }
  };
  const thread: ThreadBody = ({ words }) => {
    const first = take(words);
    const second = take(words);
    Atomics.or(words, 0, first);
    return second;
  };
  const report = explore({
    name: 'a bitmap',
    words: 1,
    setup: ({ words }) => void (words[0] = 7),
    threads: [thread, thread],
    check({ raw, results }) {
      const bits = [...(results as number[]), raw[0]!];
      const all = bits.reduce((sum, bit) => sum + bit, 0);
      if (all !== 7) throw new Error(`the slots have become ${bits.join()}`);
    },
  });
  expect(report.complete).toBe(true);
});
