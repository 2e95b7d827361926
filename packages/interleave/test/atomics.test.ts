/** The façade: as `Atomics` in all it returns and leaves, gone when an exploration ends. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, explore, type ThreadBody } from '@millrace/interleave';

const NAMES = [
  'load',
  'store',
  'add',
  'sub',
  'and',
  'or',
  'xor',
  'exchange',
  'compareExchange',
] as const;

/** Runs code as the only thread of an exploration, on words that begin as `initial`. */
function within<T>(initial: readonly number[], run: (words: Int32Array) => T): T {
  let result: T | undefined;
  explore({
    name: 'one thread',
    words: initial.length,
    setup: ({ words }) => words.set(initial),
    threads: [({ words }) => run(words)],
    check: ({ results }) => void (result = results[0] as T),
  });
  return result as T;
}

/** What an action returns or throws. */
function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return (error as Error).constructor.name;
  }
}

test('every operation returns and leaves what the real one does', () => {
  const value = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.constantFrom<unknown>(-0, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, NaN, Infinity, -Infinity),
    fc.constantFrom<unknown>('7', '', 'x', null, undefined, true, 3n),
  );
  const index = fc.oneof(fc.nat(3), fc.constantFrom<unknown>(-1, 4, 1.7, '2', undefined, NaN, -0));
  const operation = fc.record({ name: fc.constantFrom(...NAMES), index, a: value, b: value });
  const perform = (words: Int32Array, operations: readonly Step[]): unknown[] => [
    operations.map(({ name, index: at, a, b }) =>
      outcome(() => (Atomics[name] as (...args: unknown[]) => unknown)(words, at, a, b)),
    ),
    Array.from({ length: words.length }, (_, i) => words[i]),
  ];
  interface Step {
    readonly name: (typeof NAMES)[number];
    readonly index: unknown;
    readonly a: unknown;
    readonly b: unknown;
  }
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 4, maxLength: 4 }),
      fc.array(operation),
      (initial, operations) => {
        const real = perform(Int32Array.from(initial), operations);
        expect(within(initial, (words) => perform(words, operations))).toEqual(real);
      },
    ),
    { numRuns: 1000 },
  );
});

test('plain accesses and methods do what those of a real array do', () => {
  const index = fc.integer({ min: -6, max: 6 });
  const value = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(2 ** 40, -0, NaN));
  const change = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), a: fc.nat(7), b: value, c: index }),
    fc.record({
      kind: fc.constantFrom(
        'fill' as const,
        'copyWithin' as const,
        'set' as const,
        'subarray' as const,
      ),
      a: index,
      b: index,
      c: index,
    }),
  );
  const perform = (words: Int32Array, changes: readonly Change[]): unknown => {
    for (const { kind, a, b, c } of changes) {
      if (kind === 'write') words[a] = b;
      else if (kind === 'fill') words.fill(a, b, c);
      else if (kind === 'copyWithin') words.copyWithin(a, b, c);
      else if (kind === 'set') words.set(words.subarray(b, c), 0);
      else words.subarray(a, b).fill(c);
    }
    const part = words.subarray(1, -1);
    return [
      [...words],
      Array.from(part.slice(-2)),
      part.length,
      part.indexOf(0),
      Atomics.load(part, 0),
      words.reduce((sum, word) => sum + word, 0),
      words.at(-1),
      words.includes(7),
      words[9],
      words.byteLength,
      words instanceof Int32Array,
    ];
  };
  interface Change {
    readonly kind: 'write' | 'fill' | 'copyWithin' | 'set' | 'subarray';
    readonly a: number;
    readonly b: number;
    readonly c: number;
  }
  const initial = [1, 2, 3, 4, 5, 6];
  fc.assert(
    fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
      const real = perform(Int32Array.from(initial), changes);
      expect(within(initial, (words) => perform(words, changes))).toEqual(real);
    }),
    { numRuns: 1000 },
  );
});

test('the bytes of words are those of the same memory', () => {
  const perform = (words: Int32Array, bytes: Uint8Array): unknown => {
    bytes.set([1, 2, 300], 3);
    bytes[11] = -1;
    bytes.copyWithin(6, 2, 5);
    const part = bytes.subarray(4, 10);
    part.fill(9, 4);
    return [
      [...words],
      [...bytes],
      Array.from(part.slice(1, 3)),
      part.length,
      bytes instanceof Uint8Array,
      bytes[12],
    ];
  };
  const initial = [0x01020304, -1, 7];
  const real = Int32Array.from(initial);
  expect(within(initial, (words) => perform(words, bytesOf(words)))).toEqual(
    perform(real, new Uint8Array(real.buffer)),
  );
  const part = within(initial, (words) => [...bytesOf(words.subarray(1, 2))]);
  expect(part).toEqual([255, 255, 255, 255]);
  expect(() => bytesOf(real)).toThrow(TypeError);
});

test('arrays of others are left to the real operations', () => {
  const mine = new Int32Array(new SharedArrayBuffer(8));
  const big = new BigInt64Array(1);
  const seen = within([0], (words) => {
    Atomics.store(words, 0, 1);
    return [
      Atomics.store(mine, 1, 5),
      Atomics.add(mine, 1, 1),
      Atomics.notify(mine, 0),
      Atomics.add(big, 0, 2n),
    ];
  });
  expect(seen).toEqual([5, 5, 0, 0n]);
  expect([...mine]).toEqual([0, 6]);
});

describe('what would let an access escape is refused', () => {
  const cases: [string, (words: Int32Array) => unknown][] = [
    ['the buffer', (words) => words.buffer],
    ['a sort', (words) => words.sort()],
    [
      'waitAsync',
      (words) =>
        (Atomics as { waitAsync?: (...args: unknown[]) => unknown }).waitAsync?.(words, 0, 0),
    ],
    ['an operation that was taken out of Atomics before', (words) => load(words, 0)],
  ];
  const { load } = Atomics;
  test.each(cases)('%s', (_, action) => {
    expect(within([0], (words) => outcome(() => action(words)))).toBe('TypeError');
  });
});

describe('the real Atomics are back', () => {
  const before = { ...Object.getOwnPropertyDescriptors(Atomics) };
  const expectReal = (): void => expect(Object.getOwnPropertyDescriptors(Atomics)).toEqual(before);
  const thread: ThreadBody = ({ words }) => Atomics.add(words, 0, 1);
  const of = { name: 'restored', words: 1, threads: [thread, thread] };
  const fail = (): never => {
    throw new Error('on purpose');
  };

  test('after an exploration', () => {
    explore(of);
    expectReal();
  });

  test.each([
    ['a check', { check: fail }],
    ['an invariant', { invariant: fail }],
    ['a thread', { threads: [thread, fail] }],
    ['the setup', { setup: fail }],
    ['a name', { nameOf: fail, check: fail }],
    [
      'an allowance',
      { allowRaces: fail, threads: [({ words }: { words: Int32Array }) => words[0]] },
    ],
  ])('after an error in %s', (_, part) => {
    expect(() => explore({ ...of, ...part })).toThrow('on purpose');
    expectReal();
  });

  test('and an exploration within an exploration is refused', () => {
    expect(() => explore({ ...of, check: () => void explore(of) })).toThrow(
      'within an exploration',
    );
    expectReal();
  });
});
