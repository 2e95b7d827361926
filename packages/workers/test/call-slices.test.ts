import { createMill, type Slice } from '@millrace/workers';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import type * as Functions from './functions.mjs';

const mill = await createMill({ threads: 1 });
const functions = await mill.load<typeof Functions>(new URL('functions.mjs', import.meta.url));
afterAll(() => mill.close());
afterEach(() => expect(mill.stats().slices.live).toBe(0));

function sliceOf(byteLength: number, byte = 0): Slice {
  const slice = mill.buffers.acquire(byteLength);
  slice.bytes.fill(byte);
  return slice;
}

/** What the function gets, and gives back. */
async function give<A extends unknown[]>(...args: A): Promise<A> {
  return (await mill.call(functions.give, args)) as A;
}

describe('a slice among the arguments', () => {
  test('is written where it lies', async () => {
    using slice = sliceOf(5000, 3);
    const seen = await mill.call(functions.mark, [{ held: [slice] }, 9]);
    expect(seen).toEqual({
      ref: slice.ref,
      first: 3,
      length: 5000,
      offset: slice.bytes.byteOffset,
    });
    expect(slice.bytes[0]).toBe(9);
    await mill.call(functions.markLater, [slice, 10]);
    expect(slice.bytes[0]).toBe(10);
  });

  test('comes back as itself', async () => {
    using slice = sliceOf(100);
    const [map, set, twice] = await give(
      new Map([[slice, { slice }]]),
      new Set<unknown>([1, slice, 2]),
      [slice, [slice]],
    );
    expect(map.get(slice)!.slice).toBe(slice);
    expect([...set]).toEqual([1, slice, 2]);
    expect([...set][1]).toBe(slice);
    expect(twice[0]).toBe(slice);
    expect(twice).toEqual([slice, [slice]]);
    expect(await mill.call(functions.areSame, [slice, slice])).toBe(true);
  });

  test('may stand beside what can only be sent by message', async () => {
    using slice = sliceOf(100, 4);
    const words = new Int32Array(new SharedArrayBuffer(4));
    const [first, second] = await give({ words, slice }, [slice]);
    expect(first.slice).toBe(slice);
    expect(second[0]).toBe(slice);
    first.words[0] = 5;
    expect(words[0]).toBe(5);
  });

  test('leaves the containers of the caller as they are', async () => {
    using slice = sliceOf(100);
    const args = Object.freeze([Object.freeze({ held: Object.freeze([slice]) }), 1]);
    await mill.call(functions.give, args as never);
    expect((args[0] as { held: Slice[] }).held[0]).toBe(slice);
  });

  test('cannot be released, handed over, shared or resized by the function', async () => {
    using slice = sliceOf(100, 6);
    expect(await mill.call(functions.refusals, [slice])).toEqual({
      codes: Array.from({ length: 4 }, () => 'ERR_SLICE_BORROWED'),
      live: true,
      byte: 6,
    });
    expect(slice.live).toBe(true);
  });

  test('cannot be used when the call is over', async () => {
    using slice = sliceOf(100);
    await mill.call(functions.keep, [slice]);
    expect(await mill.call(functions.useKept)).toEqual({ live: false, code: 'ERR_SLICE_STALE' });
    expect((await failureOf(mill.call(functions.giveKept))).message).toContain(
      'lent to another call',
    );
  });

  test('may be shared: then the function is one more who reads', async () => {
    using slice = sliceOf(100, 5);
    slice.share();
    expect(await mill.call(functions.mark, [{ held: [slice] }, 5])).toMatchObject({ first: 5 });
  });

  test('must be live, and of the same mill', async () => {
    const slice = sliceOf(100);
    slice.release();
    expect(await codeOf(mill.call(functions.same, [{ slice }]))).toBe('ERR_SLICE_STALE');
    const other = await createMill({ threads: 1 });
    try {
      using foreign = other.buffers.acquire(100);
      expect(await codeOf(mill.call(functions.same, [[foreign]]))).toBe('ERR_SLICE_FOREIGN');
    } finally {
      await other.close();
    }
  });
});

describe('a slice that the function has acquired', () => {
  test("is the caller's once it is returned, and was not copied", async () => {
    const result = await mill.call(functions.fresh, [[100, 70_000, 5 * 1024 * 1024]]);
    const sizes = [...result.values()].map(({ slice }) => slice.byteLength);
    expect(sizes).toEqual([100, 70_000, 5 * 1024 * 1024]);
    for (const [i, { slice, ref }] of result) {
      expect(slice.ref).toBe(ref);
      expect(slice.bytes.every((byte) => byte === i)).toBe(true);
      slice.bytes.fill(9);
      slice.release();
    }
  });

  test.each(['function', 'released', 'shared', 'foreign'] as const)(
    'is not lost when the result cannot be sent: %s',
    async (how) => {
      using slice = sliceOf(10);
      await mill.call(functions.keep, [slice]);
      const error = await failureOf(mill.call(functions.freshAndFailing, [1000, how]));
      expect(error.code).toBe('ERR_OP_OUTPUT');
      expect(error.message).toContain('Cannot return the result of "freshAndFailing"');
    },
  );
});

test('ten thousand calls leave no slice behind', async () => {
  let done = 0;
  const caller = async (): Promise<void> => {
    while (done < 10_000) {
      const i = done++;
      using slice = sliceOf(100, 1);
      const [first, second] = [...(await mill.call(functions.fresh, [[50, 5000]])).values()];
      using _first = first!.slice;
      using fresh = second!.slice;
      const results = await give({ i }, [slice], fresh);
      expect(results[0]).toEqual({ i });
      expect(results[2]).toBe(fresh);
    }
  };
  await Promise.all(Array.from({ length: 20 }, caller));
  expect(mill.stats().slices.live).toBe(0);
});
