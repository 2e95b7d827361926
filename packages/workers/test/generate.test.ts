/** Ops that generate: any number of outputs, in order, and nothing left behind however it ends. */
import { createMill, Slice } from '@millrace/workers';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';
import { codeOf, failureOf } from './failure.ts';
import * as ops from './generator-ops.mjs';
import { until } from './until.ts';

/** So many outputs an op may be ahead. */
const RUN_AHEAD = 16;

const mill = await createMill({ threads: 2, graceMs: 100 });
afterAll(() => mill.close());
afterEach(() => {
  const { slices, tasks } = mill.stats();
  expect({ live: slices.live, inFlight: tasks.inFlight }).toEqual({ live: 0, inFlight: 0 });
});

async function all<Y>(outputs: AsyncIterable<Y>): Promise<Y[]> {
  const list: Y[] = [];
  for await (const output of outputs) list.push(output);
  return list;
}

/** Shared words that ops count in. */
class Counter {
  readonly words = new Int32Array(new SharedArrayBuffer(8));

  get made(): number {
    return Atomics.load(this.words, 0);
  }

  get ended(): number {
    return Atomics.load(this.words, 1);
  }
}

describe('the outputs of an op', () => {
  test.each([ops.each, ops.eachLater])('come in order ($name)', async (op) => {
    const input = noise(5000);
    expect(await all(mill.run(op, input))).toEqual([...input]);
  });

  test('may be none', async () => {
    expect(await all(mill.run(ops.each))).toEqual([]);
  });

  test('may be anything that can be cloned, of any size', async () => {
    const values = [
      0,
      -0,
      Number.NaN,
      undefined,
      null,
      '',
      'corn'.repeat(1000),
      10n ** 40n,
      { deep: [new Map([['a', new Date(0)]])] },
      new Uint8Array(0),
      new Uint8Array([1, 2]),
    ];
    expect(await all(mill.run(ops.list, undefined, { values }))).toEqual(values);
  });

  test.each([1, 216, 217, 5000, 2 * MiB])(
    'may be bytes, %d at a time, and the consumer gets bytes of its own',
    async (size) => {
      const input = noise(Math.min(50 * size, 20 * MiB));
      const outputs = await all(mill.run(ops.pieces, input, { size }));
      expect(outputs.every(({ buffer }) => buffer instanceof ArrayBuffer)).toBe(true);
      expect(Buffer.concat(outputs).equals(input)).toBe(true);
    },
  );

  test('may be slices, which are the consumer’s to release', async () => {
    const input = noise(100_000);
    let at = 0;
    for await (const slice of mill.run(ops.slices, input, { size: 3000 })) {
      expect(slice).toBeInstanceOf(Slice);
      expect(Buffer.compare(slice.bytes, input.subarray(at, at + 3000))).toBe(0);
      at += slice.byteLength;
      slice.release();
    }
    expect(at).toBe(input.length);
  });

  test('come out of a slice where it lies', async () => {
    using slice = mill.buffers.acquire(3);
    slice.bytes.set([7, 8, 9]);
    expect(await all(mill.run(ops.each, slice))).toEqual([7, 8, 9]);
    expect(slice.live).toBe(true);
  });

  test('of many ops at once do not disturb each other', async () => {
    const inputs = Array.from({ length: 50 }, (_, i) => new Uint8Array(100).fill(i));
    const outputs = await Promise.all(
      inputs.map((input, i) => all(mill.run(i % 2 === 0 ? ops.each : ops.eachLater, input))),
    );
    expect(outputs).toEqual(inputs.map((input) => [...input]));
  });

  test('may be larger together than the memory, however slow the consumer is', async () => {
    await using small = await createMill({ threads: 1, memory: 12 * MiB });
    const input = noise(4 * MiB);
    const taken: Uint8Array[] = [];
    for await (const piece of small.run(ops.pieces, input, { size: 512 * 1024 })) {
      taken.push(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(Buffer.concat(taken).equals(input)).toBe(true);
    expect(small.stats().slices.live).toBe(0);
  });

  test('fail when others have lent all memory, and it does not wait for ever', async () => {
    await using small = await createMill({ threads: 1, memory: 8 * MiB });
    // One half is for the input, the other for all that is small.
    const outputs = small.run(ops.pieces, noise(4 * MiB), { size: 512 * 1024 });
    const error = await failureOf(all(outputs));
    expect(error.code).toBe('ERR_OP_OUTPUT');
    expect(error.message).toContain('"pieces"');
    expect(error.cause).toMatchObject({ message: expect.stringContaining('memory') as string });
    expect(small.stats().slices.live).toBe(0);
  });
});

test.each([ops.count, ops.countLater])(
  'an op runs ahead by $name, but no further than so many outputs',
  async (op) => {
    const counter = new Counter();
    let taken = 0;
    for await (const output of mill.run(op, undefined, { words: counter.words })) {
      expect(output).toBe(++taken);
      expect(counter.made).toBeLessThanOrEqual(taken + RUN_AHEAD);
      if (taken % 100 === 0) await until(() => counter.made === taken + RUN_AHEAD);
      if (taken === 1000) break;
    }
    expect(counter.ended).toBe(1);
  },
);

test('an op begins with the first pull, and not before', async () => {
  const counter = new Counter();
  const { submitted } = mill.stats().tasks;
  const outputs = mill.run(ops.count, undefined, { words: counter.words });
  const unused = mill.run(ops.count, undefined, { words: counter.words });
  expect(mill.stats().tasks.submitted).toBe(submitted);
  expect(await outputs.next()).toEqual({ done: false, value: 1 });
  expect(mill.stats().tasks.submitted).toBe(submitted + 1);
  expect(await outputs.return!()).toEqual({ done: true, value: undefined });
  expect(await outputs.next()).toEqual({ done: true, value: undefined });
  expect(await unused.return!()).toEqual({ done: true, value: undefined });
});

describe('a consumer that leaves', () => {
  test.each([
    ['at once', ops.count, false],
    ['at once, an async op', ops.countLater, false],
    ['with slices on their way', ops.count, true],
    ['with slices on their way, an async op', ops.countLater, true],
  ])('%s ends the op, whose finally runs, and everything is freed', async (_when, op, sliced) => {
    const counter = new Counter();
    for await (const output of mill.run(op, undefined, { words: counter.words, sliced })) {
      if (output instanceof Slice) output.release();
      await until(() => counter.made > RUN_AHEAD);
      break;
    }
    expect(counter.ended).toBe(1);
  });

  test('by an error of its own sees that error', async () => {
    const counter = new Counter();
    const consuming = (async () => {
      for await (const _ of mill.run(ops.count, undefined, { words: counter.words })) {
        throw new RangeError('enough');
      }
    })();
    await expect(consuming).rejects.toThrow(RangeError);
    expect(counter.ended).toBe(1);
  });

  test.each(['wait for ever', 'loop for ever'] as const)(
    'while it waits for an op that would %s is let go, after the grace with the thread',
    async (what) => {
      const counter = new Counter();
      const { deaths } = mill.stats();
      const outputs = mill.run(ops.after, undefined, { words: counter.words, outputs: 1, what });
      expect((await outputs.next()).value).toBe(1);
      const next = outputs.next();
      // It counts once when it begins, and once when it goes to wait: at a yield it would have ended.
      await until(() => counter.made === 2);
      expect(await outputs.return!()).toEqual({ done: true, value: undefined });
      expect(await next).toEqual({ done: true, value: undefined });
      expect(mill.stats().deaths).toBe(deaths + 1);
    },
  );
});

describe('an error', () => {
  test.each([0, 1, RUN_AHEAD, 50])('after %d outputs comes after them', async (outputs) => {
    const { words } = new Counter();
    const taken: unknown[] = [];
    const error = await failureOf(
      (async () => {
        for await (const output of mill.run(ops.after, undefined, { words, outputs, what: 'fail' }))
          taken.push(output);
      })(),
    );
    expect(error.code).toBe('ERR_OP_FAILED');
    expect(error.message).toContain('"after"');
    expect(error.cause).toMatchObject({ message: 'ground to a halt', code: 'EGRIST' });
    expect(taken).toHaveLength(outputs);
  });

  test('of an output that cannot be cloned is named, and the op’s finally runs', async () => {
    const counter = new Counter();
    const what = 'yield what cannot be cloned';
    const error = await failureOf(
      all(mill.run(ops.after, undefined, { words: counter.words, outputs: 2, what })),
    );
    expect(error.code).toBe('ERR_OP_OUTPUT');
    expect(error.message).toContain('"after"');
    expect(error.message).toContain('function');
    expect(counter.ended).toBe(1);
  });

  test('comes when the op is no generator after all', async () => {
    const error = await failureOf(all(mill.run(ops.noGenerator)));
    expect(error.code).toBe('ERR_OP_OUTPUT');
    expect(error.message).toContain('"noGenerator"');
    expect(error.message).toContain('number');
  });

  test('of the call comes with the first pull', async () => {
    expect(await codeOf(all(mill.run(ops.each, 'text' as unknown as Uint8Array)))).toBe(
      'ERR_INVALID_ARG',
    );
    const slice = mill.buffers.acquire(1);
    slice.release();
    expect(await codeOf(all(mill.run(ops.each, slice)))).toBe('ERR_SLICE_STALE');
  });
});

describe('the death of the thread', () => {
  test.each([
    [3, 'exit'],
    [RUN_AHEAD, 'exit'],
    [50, 'exit'],
    [10, 'exit after slices'],
  ] as const)('after %d outputs (%s) rejects, and all slices come back', async (outputs, what) => {
    const { words } = new Counter();
    const taken: unknown[] = [];
    const error = await failureOf(
      (async () => {
        for await (const output of mill.run(ops.after, undefined, { words, outputs, what })) {
          if (output instanceof Slice) output.release();
          taken.push(output);
        }
      })(),
    );
    expect(error.code).toBe('ERR_WORKER_DIED');
    expect(taken).toHaveLength(outputs);
  });

  test('before the first output has the op begin anew', async () => {
    const { words } = new Counter();
    const outputs = mill.run(ops.after, undefined, { words, outputs: 0, what: 'exit once' });
    expect(await all(outputs)).toEqual([]);
    expect(Atomics.load(words, 0)).toBe(2);
  });
});

describe('a signal', () => {
  test('ends the op', async () => {
    const counter = new Counter();
    const stop = new AbortController();
    const options = { signal: stop.signal };
    let taken = 0;
    const error = await failureOf(
      (async () => {
        for await (const _ of mill.run(ops.count, undefined, { words: counter.words }, options)) {
          if (++taken === 5) stop.abort(new RangeError('enough'));
        }
      })(),
    );
    expect(error.code).toBe('ERR_ABORTED');
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(counter.ended).toBe(1);
  });

  test('that was given before keeps the op from beginning', async () => {
    const { words } = new Counter();
    const options = { signal: AbortSignal.abort() };
    expect(await codeOf(all(mill.run(ops.count, undefined, { words }, options)))).toBe(
      'ERR_ABORTED',
    );
    expect(words[0]).toBe(0);
  });
});
