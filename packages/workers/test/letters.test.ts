/** Results and errors that do not fit a cell: what structured clone takes comes back as it was, and the rest is told. */
import { createMill, type Mill } from '@millrace/workers';
import { MillraceError } from '@millrace/core';
import type { Slice } from '@millrace/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from './failure.ts';
import * as ops from './ops.mjs';
import * as terms from './terms-ops.mjs';
import { expectSound, whole } from './threads.ts';

const MiB = 1024 * 1024;
const some = new Uint8Array([7]);
let mill: Mill;
beforeAll(async () => {
  mill = await createMill({ threads: 2, memory: 8 * MiB });
});
afterAll(async () => {
  // `createMill` waits for the first thread only.
  await whole(mill, 2);
  expectSound(mill, 2);
  await mill.close();
});

const made: readonly (readonly [terms.Made, unknown])[] = [
  ['map', new Map([['a', { deep: [1, 2] }]])],
  ['set', new Set<unknown>([1, 'two', 3n])],
  ['date', new Date(86_400_000)],
  ['regexp', /mill(race)?/giu],
  ['bigint', 2n ** 100n],
  ['floats', Float64Array.of(1.5, -0, NaN)],
  ['bytes', new Uint8Array(1000).fill(7)],
  ['buffer', Uint8Array.of(1, 2, 3).buffer],
  ['text', 'ü'.repeat(1000)],
  ['null', null],
  ['boolean', false],
];

describe.each([
  ['at once', terms.makes],
  ['later', terms.makesLater],
] as const)('a result that an op makes %s', (_when, op) => {
  test.each(made)('comes back as it was: %s', async (what, expected) => {
    expect(await mill.run(op, some, { what })).toStrictEqual(expected);
  });

  test('may refer to itself', async () => {
    const cycle = (await mill.run(op, some, { what: 'cycle' })) as { self: unknown };
    expect(cycle.self).toBe(cycle);
  });

  test('may be an error, with its type and its cause', async () => {
    const error = (await mill.run(op, some, { what: 'error' })) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'made, not thrown', cause: { message: 'deeper' } });
  });

  test('loses its class, and keeps its own properties, as structured clone does', async () => {
    expect(await mill.run(op, some, { what: 'instance' })).toStrictEqual({ x: 1 });
  });

  test('may be shared memory, which is shared', async () => {
    const shared = await mill.run(op, some, { what: 'shared' });
    expect(shared).toBeInstanceOf(SharedArrayBuffer);
    expect([...new Int32Array(shared as SharedArrayBuffer)]).toEqual([5, 5]);
  });

  test('is a copy where it is a view onto shared memory, which may be lent to others soon', async () => {
    const view = (await mill.run(op, some, { what: 'sharedView' })) as Int32Array;
    expect(view).toStrictEqual(Int32Array.of(5, 5));
    expect(view.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test.each(['function', 'symbol', 'promiseInside'] as const)(
    'that cannot be cloned is refused: %s',
    async (what) => {
      const error = await failureOf(mill.run(op, some, { what }));
      expect(error.code).toBe('ERR_OP_OUTPUT');
      expect(error.message).toContain(`"${op.name}"`);
    },
  );
});

test('an error keeps its type, cause and code', async () => {
  const error = await failureOf(mill.run(terms.throwsWith));
  expect(error.code).toBe('ERR_OP_FAILED');
  expect(error.cause).toBeInstanceOf(RangeError);
  expect(error.cause).toMatchObject({
    message: 'thrown',
    code: 'E_THROWN',
    cause: { message: 'the reason' },
  });
});

describe('while all memory is lent', () => {
  const lent: Slice[] = [];
  /** Leases everything, largest first. */
  const lendAll = (): void => {
    for (let bytes = 4 * MiB; bytes >= 4096; bytes /= 2) {
      try {
        for (;;) lent.push(mill.buffers.acquire(bytes));
      } catch (error) {
        if (!(error instanceof MillraceError && error.code === 'ERR_POOL_EXHAUSTED')) throw error;
      }
    }
  };
  const giveAllBack = (): void => {
    for (const slice of lent.splice(0)) slice.release();
  };

  test('results and errors still come back', async () => {
    // The ops are loaded before.
    await mill.run(terms.makes, undefined, { what: 'null' });
    lendAll();
    try {
      expect(await mill.run(terms.makes, undefined, { what: 'text' })).toBe('ü'.repeat(1000));
      expect((await failureOf(mill.run(terms.throwsWith))).cause).toMatchObject({
        message: 'thrown',
      });
    } finally {
      giveAllBack();
    }
    expect(await mill.run(ops.sum, some)).toBe(7);
  });
});
