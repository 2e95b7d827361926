/** Deaths between any two steps, and the sweeps after them. */
import { expect, test } from 'vitest';
import { explore, type Case, type ThreadContext } from '@millrace/interleave';
import { failureOf } from './failing.js';

/** Bit s of word FREE: slot s is free. Word OWNER + s: who holds it, plus one. */
const FREE = 0;
const OWNER = 1;
const SLOTS = 2;

function take({ words, thread }: ThreadContext): void {
  for (;;) {
    const free = Atomics.load(words, FREE);
    if (free === 0) return;
    const bit = free & -free;
    if ((Atomics.and(words, FREE, ~bit) & bit) === 0) continue;
    const slot = 31 - Math.clz32(bit);
    Atomics.store(words, OWNER + slot, thread + 1);
    Atomics.store(words, OWNER + slot, 0);
    Atomics.or(words, FREE, bit);
    return;
  }
}

/** Claims by one exchange that names the owner; the bitmap is only a hint, set again by the sweeper. */
function claim({ words, thread }: ThreadContext): void {
  for (let slot = 0; slot < SLOTS; slot++) {
    if (Atomics.compareExchange(words, OWNER + slot, 0, thread + 1) !== 0) continue;
    Atomics.and(words, FREE, ~(1 << slot));
    giveBack(words, slot, thread);
    return;
  }
}

function giveBack(words: Int32Array, slot: number, thread: number): void {
  Atomics.or(words, FREE, 1 << slot);
  Atomics.compareExchange(words, OWNER + slot, thread + 1, 0);
}

function sweep({ words, thread }: ThreadContext): void {
  for (let slot = 0; slot < SLOTS; slot++) {
    if (Atomics.load(words, OWNER + slot) === thread + 1) giveBack(words, slot, thread);
  }
}

const leaky: Case = {
  name: 'slots of threads that die',
  words: OWNER + SLOTS,
  setup: ({ words }) => void (words[FREE] = 3),
  threads: [take, take],
  kills: 1,
  sweep,
  check({ raw }) {
    if (raw[FREE] !== 3) throw new Error(`slots are lost: ${raw.join()}`);
  },
};

test.each(['interleaved', 'atOnce', 'last'] as const)(
  'a slot is lost when its taker dies before it is named: swept %s',
  (sweeps) => {
    const { code, message } = failureOf({ ...leaky, sweeps });
    expect(code).toBe('ERR_CHECK_FAILED');
    expect(message).toMatch(/thread \d\s+dies/);
    expect(message).toContain('sweeper of thread');
  },
);

test.each(['interleaved', 'atOnce', 'last'] as const)(
  'no slot is lost when claim and owner are one exchange: swept %s',
  (sweeps) => {
    const report = explore({ ...leaky, threads: [claim, claim], sweeps });
    expect(report.complete).toBe(true);
    const twice = explore({ ...leaky, threads: [claim, claim], sweeps, kills: 2 });
    expect(twice.schedules).toBeGreaterThan(report.schedules);
  },
);

test('without deaths nothing is lost', () => {
  expect(explore({ ...leaky, kills: 0 }).complete).toBe(true);
});

test('the threads that were killed are told of, and have no result', () => {
  const seen = new Set<string>();
  explore({
    name: 'who died',
    words: 1,
    threads: [({ words }) => Atomics.add(words, 0, 1), ({ words }) => Atomics.add(words, 0, 1)],
    kills: 2,
    check: ({ killed, results }) => void seen.add(JSON.stringify([killed, results])),
  });
  expect(seen).toContain('[[],[0,1]]');
  expect(seen).toContain('[[0],[null,0]]');
  expect(seen).toContain('[[0],[null,1]]');
  expect(seen).toContain('[[0,1],[null,null]]');
});

test('no finally runs in a thread that dies', () => {
  const states = new Set<string>();
  explore({
    name: 'finally',
    words: 2,
    threads: [
      ({ words }) => {
        try {
          Atomics.store(words, 0, 1);
        } finally {
          Atomics.store(words, 1, 1);
        }
      },
    ],
    kills: 1,
    check: ({ raw }) => void states.add(raw.join()),
  });
  expect(states).toEqual(new Set(['0,0', '1,0', '1,1']));
});

test('a wake-up is lost with the thread that it woke', () => {
  const sleeper = ({ words }: ThreadContext): void => {
    if (Atomics.load(words, 0) === 0) Atomics.wait(words, 0, 0);
    Atomics.notify(words, 0, 1);
  };
  const found = failureOf({
    name: 'a baton',
    words: 1,
    threads: [
      sleeper,
      sleeper,
      ({ words }) => {
        Atomics.store(words, 0, 1);
        Atomics.notify(words, 0, 1);
      },
    ],
    kills: 1,
  });
  expect(found.code).toBe('ERR_DEADLOCK');
});
