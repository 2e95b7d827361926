import { AsyncLocalStorage } from 'node:async_hooks';
import { createSecretKey, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { createMill, currentThread, defineFunction } from '@millrace/workers';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import type * as Functions from './functions.mjs';

const MiB = 1024 * 1024;
const mill = await createMill({ threads: 2 });
const url = new URL('functions.mjs', import.meta.url);
const functions = await mill.load<typeof Functions>(url);
afterAll(() => mill.close());
afterEach(() => {
  const { slices, tasks, deaths } = mill.stats();
  expect({ live: slices.live, inFlight: tasks.inFlight, deaths }).toEqual({
    live: 0,
    inFlight: 0,
    deaths: 0,
  });
});

describe('a function', () => {
  test('is called with its arguments, and its result comes back', async () => {
    expect(await mill.call(functions.add, [1, 2])).toBe(3);
    expect(await mill.call(functions.add, ['flour', 'mill'] as never)).toBe('flourmill');
    expect(await mill.call(functions.nothing)).toBeUndefined();
  });

  test('may be asynchronous', async () => {
    expect(await mill.call(functions.later, ['flour', 3])).toBe('flour');
    expect(await mill.call(functions.later, [undefined])).toBeUndefined();
    expect(await mill.call(functions.thenable, [5])).toBe(5);
  });

  test('may be named by its module and its name', async () => {
    expect(await mill.call<number>({ url, name: 'add' }, [3, 4])).toBe(7);
    expect(await mill.call<number>({ url: url.href, name: 'add' }, [3, 4])).toBe(7);
  });

  test('may be defined, and is itself then', async () => {
    const local = defineFunction(url.href, 'add', (a: number, b: number): number => a - b);
    expect(local(5, 3)).toBe(2);
    // What a worker finds under that name, not what was passed.
    expect(await mill.call(local, [5, 3])).toBe(8);
    expect(await mill.call(functions.defined, ['flour'])).toBe('flour!');
  });

  test('can be called by many at a time, each getting its own result', async () => {
    const results = await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => mill.call(functions.give, [i, { text: `${i}` }])),
    );
    results.forEach((result, i) => expect(result).toEqual([i, { text: `${i}` }]));
  });

  test('is answered in the context of its caller', async () => {
    const storage = new AsyncLocalStorage<number>();
    const seen = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        storage.run(i, async () => {
          await mill.call(i % 2 === 0 ? functions.later : functions.same, [i]);
          return storage.getStore();
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  test('is in the memory of its mill, which no other thread is', async () => {
    expect(await mill.call(functions.isOnMill)).toBe(mill.stats().memory.limit);
    expect(() => currentThread()).toThrow(expect.objectContaining({ code: 'ERR_NO_MILL' }));
  });
});

/** Of each what comes back must be what structured cloning makes of it. */
const shared = { inner: [1] };
const circular: unknown[] = [];
circular.push({ circular });
const sparse = Object.assign([1], { 2: 3 });
const withMore = Object.assign([1, 2], { more: 'x' });
const values: [string, unknown][] = [
  ...[0, -0, 1.5, Number.NaN, -Infinity, 2 ** 53].map((n): [string, unknown] => [
    `the number ${n}`,
    n,
  ]),
  ['nothing', undefined],
  ['null', null],
  ['a boolean', true],
  ['a bigint', -(2n ** 70n)],
  ['an empty text', ''],
  ['a text', 'flour ä 中 \u{1f33e} \0 "\\ \u2028'],
  ['half a surrogate pair', '\ud83c'],
  ['a long text', 'ä'.repeat(100_000)],
  ['an object', { a: 1, b: { c: ['d', null, true], 'e f': -2.5 }, '': 0 }],
  ['an object with undefined in it', { a: undefined, b: [undefined] }],
  ['an object with -0 and NaN in it', [-0, Number.NaN, Infinity]],
  ['a key that is __proto__', JSON.parse('{"__proto__":{"a":1},"b":2}')],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
  ['an array with a hole', sparse],
  ['an array with more than elements', withMore],
  ['an empty array', []],
  ['a large array', Array.from({ length: 10_000 }, (_, i) => ({ i, odd: i % 2 === 1 }))],
  ['a date', new Date(1234.5)],
  ['a pattern', /flour+/giu],
  ['boxed primitives', [Object(1), Object('a'), Object(true), Object(1n)]],
  [
    'a map',
    new Map<unknown, unknown>([
      ['a', new Map([[1n, new Date(0)]])],
      [{}, []],
    ]),
  ],
  ['a set', new Set<unknown>([1, 'a', new Set([null])])],
  ['an ArrayBuffer', Uint8Array.of(1, 2, 3).buffer],
  ['a Uint8Array', Uint8Array.of(1, 2, 3)],
  ['a Buffer', Buffer.from('flour')],
  ['a Float64Array within its buffer', new Float64Array(new ArrayBuffer(64), 8, 3).fill(1.5)],
  ['a BigInt64Array', BigInt64Array.of(-1n, 2n)],
  ['a DataView', new DataView(Uint8Array.of(1, 2, 3).buffer, 1, 2)],
  ['a RangeError with a cause', new RangeError('far', { cause: new TypeError('deep') })],
  [
    'an instance of a class',
    new (class Sack {
      weight = 50;
    })(),
  ],
];

const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
});

describe('a value', () => {
  test.each(values)('%s comes back as structured cloning makes it', async (_name, value) => {
    const expected: unknown = structuredClone(value);
    expect(await mill.call(functions.same, [value])).toStrictEqual(expected);
    expect(await mill.call(functions.same, [{ held: [value] }])).toStrictEqual({
      held: [expected],
    });
  });

  test('of any kind comes back as structured cloning makes it', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (given) => {
        expect(await mill.call(functions.same, [given])).toStrictEqual(structuredClone(given));
      }),
      { numRuns: 500 },
    );
  });

  test('that is there twice comes back once', async () => {
    const [a, b] = (await mill.call(functions.give, [shared, shared])) as [object, object];
    expect(a).toBe(b);
    expect(a).toEqual(shared);
  });

  test('that holds itself comes back so', async () => {
    const inner = (await mill.call(functions.same, [circular])) as [{ circular: unknown }];
    expect(inner[0].circular).toBe(inner);
  });

  test('views onto one buffer come back so', async () => {
    const buffer = new ArrayBuffer(16);
    const [a, b] = (await mill.call(functions.give, [
      new Uint8Array(buffer, 0, 8),
      new Uint8Array(buffer, 8),
    ])) as Uint8Array[];
    expect(a!.buffer).toBe(b!.buffer);
  });

  test('is shared where it is shared memory', async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    const returned = (await mill.call(functions.same, [words])) as Int32Array;
    returned[0] = 7;
    expect(words[0]).toBe(7);
  });

  test("may be of one of Node's own classes that can be cloned", async () => {
    const key = createSecretKey(Buffer.from('secret'));
    const returned = (await mill.call(functions.same, [key])) as KeyObject;
    expect(returned.export().toString()).toBe('secret');
  });

  test('larger than the largest slice comes all the same', async () => {
    const small = await createMill({ threads: 1, memory: 4 * MiB });
    try {
      const given = Buffer.alloc(9 * MiB, 3);
      const result = (await small.call(functions.same, [given])) as Uint8Array;
      expect(given.equals(result)).toBe(true);
    } finally {
      await small.close();
    }
  });

  test('comes when all memory is lent, too', async () => {
    const small = await createMill({ threads: 1, memory: 4 * MiB });
    try {
      using _all = small.buffers.acquire(4 * MiB);
      expect(await small.call(functions.give, ['a', { b: new Date(0) }])).toEqual([
        'a',
        { b: new Date(0) },
      ]);
      expect(await small.call(functions.text, [1000])).toBe('ä'.repeat(1000));
    } finally {
      await small.close();
    }
  });

  test('an argument that cannot be cloned is told', async () => {
    for (const value of [
      () => {},
      Symbol('mark'),
      { deep: [() => {}] },
      new MessageChannel().port1,
      new Proxy({}, {}),
    ]) {
      const error = await failureOf(mill.call(functions.same, [value]));
      expect(error.code).toBe('ERR_PARAMS_NOT_CLONEABLE');
      expect(error.message).toContain('Cannot call "same" as its arguments cannot be cloned');
    }
  });

  test('a result that cannot be cloned is told', async () => {
    const error = await failureOf(mill.call(functions.notCloneable));
    expect(error.code).toBe('ERR_OP_OUTPUT');
    expect(error.message).toContain('Cannot return the result of "notCloneable"');
  });
});

describe('what cannot be called', () => {
  test('is a function that nobody has loaded', async () => {
    const error = await failureOf(mill.call(function local() {}));
    expect(error.code).toBe('ERR_INVALID_ARG');
    expect(error.message).toContain('Cannot call "local"');
  });

  test.each([
    undefined,
    null,
    7,
    'add',
    {},
    { url, name: '' },
    { url, name: 7 },
    { url: 'x', name: 'add' },
  ])('is %o', async (what) => {
    expect(await codeOf(mill.call(what as never, []))).toBe('ERR_INVALID_ARG');
  });

  test('is a function with arguments that are no array', async () => {
    expect(await codeOf(mill.call(functions.add, 3 as never))).toBe('ERR_INVALID_ARG');
  });

  test('is an export that does not exist', async () => {
    const error = await failureOf(mill.call({ url, name: 'ad' }));
    expect(error.code).toBe('ERR_OP_LOAD');
    expect(error.message).toMatch(/Cannot find "ad" in file:.*functions\.mjs/);
  });

  test('is an export that is no function', async () => {
    const error = await failureOf(mill.call({ url, name: 'notAFunction' }));
    expect(error.code).toBe('ERR_OP_LOAD');
    expect(error.message).toMatch(/"notAFunction" of file:.*functions\.mjs.* type number/);
  });

  test.each(['absent.mjs', 'throws-when-loaded.mjs'])('is a function of %s', async (name) => {
    const error = await failureOf(
      mill.call({ url: new URL(name, import.meta.url), name: 'grind' }, [1]),
    );
    expect(error.code).toBe('ERR_OP_LOAD');
    expect(error.message).toContain(name);
  });

  test('is anything of a mill that is closed', async () => {
    const closed = await createMill({ threads: 1 });
    await closed.close();
    expect(await codeOf(closed.call(functions.add, [1, 2]))).toBe('ERR_MILL_CLOSED');
    expect(closed.stats().slices.live).toBe(0);
  });
});

describe('what a function throws', () => {
  test.each(['fails', 'failsLater'] as const)('comes as the cause: %s', async (name) => {
    const error = await failureOf(mill.call(functions[name], ['range']));
    expect(error.code).toBe('ERR_OP_FAILED');
    expect(error.message).toContain(`"${name}" failed: out of reach`);
    expect(error.cause).toBeInstanceOf(RangeError);
    expect((error.cause as Error).stack).toContain('functions.mjs');
  });

  test('keeps its name, code, cause and properties as far as they can be cloned', async () => {
    const { cause } = await failureOf(mill.call(functions.fails, ['odd']));
    expect(cause).toBeInstanceOf(Error);
    expect(cause).toMatchObject({
      name: 'OddError',
      message: 'odd',
      code: 'E_ODD',
      detail: { at: 7 },
      cause: { message: 'deeper' },
    });
    expect((cause as Error).cause).toBeInstanceOf(TypeError);
  });

  test('may be no error at all', async () => {
    const error = await failureOf(mill.call(functions.fails, [{ how: 'badly' }]));
    expect(error.cause).toEqual({ how: 'badly' });
  });
});
