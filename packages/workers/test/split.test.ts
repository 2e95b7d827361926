/** Ops over chunks: values in the order of the input, changes in place, and slices where they lie. */
import { createReadStream } from 'node:fs';
import { crc32 as crc32Of } from 'node:zlib';
import { createMill, type Op, type Slice } from '@millrace/workers';
import { crc32 } from '@millrace/workers/ops';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';
import { codeOf, failureOf } from './failure.ts';
import * as ops from './split-ops.mjs';
import { fileOf } from './temporary.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const CHUNK = 4096;

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => {
  const { slices, tasks } = mill.stats();
  expect({ live: slices.live, inFlight: tasks.inFlight }).toEqual({ live: 0, inFlight: 0 });
});

function sliceOf(bytes: Uint8Array): Slice {
  const slice = mill.buffers.acquire(bytes.length);
  slice.bytes.set(bytes);
  return slice;
}

function shared(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

describe.each([ops.trail, ops.trailLater])('the values of chunks ($name)', (op) => {
  const whole = '|abcdefghij.+ghij|klmnopqrst.10+qrst|uvwxyz!6';

  test.each([
    ['', '|!'],
    ['a', '|a!'],
    ['abcdefghij', '|abcdefghij!'],
    ['abcdefghijk', '|abcdefghij.+ghij|k!1'],
    [LETTERS, whole],
  ])('of "%s" are reduced in the order of the input', async (input, value) => {
    const bytes = Buffer.from(input);
    expect(await mill.run(op, bytes)).toBe(value);
    const { value: pumped, ...report } = await mill.pump({ from: bytes, op });
    expect(pumped).toBe(value);
    expect(report).toMatchObject({ bytesIn: input.length, bytesOut: 0 });
    expect((await mill.pump({ from: fileOf(bytes), op })).value).toBe(value);
    expect((await mill.pump({ from: createReadStream(fileOf(bytes)), op })).value).toBe(value);
    if (input === '') return;
    using slice = sliceOf(bytes);
    expect(await mill.run(op, slice)).toBe(value);
  });

  test('are reduced by the params of the call', async () => {
    using slice = sliceOf(Buffer.from(LETTERS));
    const value = whole.replaceAll('+', ' & ');
    expect(await mill.run(op, slice, { sign: ' & ' })).toBe(value);
    expect(await mill.run(op, slice.bytes, { sign: ' & ' })).toBe(value);
  });

  test('of thousands of chunks come in order', async () => {
    const input = Buffer.from(LETTERS.repeat(3000));
    const chunks = Math.ceil(input.length / 10);
    using slice = sliceOf(input);
    const value = await mill.run(op, slice);
    const parts = value.split('+').map((part) => part.replace(/^.*\|/, '').replace(/[.!].*$/, ''));
    expect(parts).toHaveLength(chunks);
    expect(parts.join('')).toBe(input.toString());
  });
});

test('a value may be nothing', async () => {
  expect(await mill.run(ops.nothing, Buffer.from(LETTERS))).toBeUndefined();
});

test('a file is summed by range, and progress is told', async () => {
  const input = noise(3 * MiB + 5);
  const told: number[] = [];
  const report = await mill.pump({
    from: fileOf(input),
    op: crc32,
    onProgress: ({ bytesIn }) => told.push(bytesIn),
  });
  expect(report.value).toBe(crc32Of(input));
  expect(report.bytesIn).toBe(input.length);
  expect(told.at(-1)).toBe(input.length);
});

describe('a slice', () => {
  test.each([1, CHUNK, CHUNK + 1, 10 * CHUNK + 7, 9 * MiB])(
    'of %d bytes is changed where it lies, all of it and nothing beside it',
    async (size) => {
      const input = noise(size);
      using slice = mill.buffers.acquire(size);
      const slot = mill.buffers.viewOf(slice.ref, size + 1);
      slot.set(input);
      slot[size] = 77;
      const { leased } = mill.stats().slices;
      expect(await mill.run(ops.add, slice, { amount: 3 })).toBe(slice);
      expect(mill.stats().slices.leased).toBe(leased);
      expect(
        Buffer.compare(
          slice.bytes,
          input.map((byte) => byte + 3),
        ),
      ).toBe(0);
      expect(slot[size]).toBe(77);
    },
  );

  test('is read where it lies, by an op that gives a value', async () => {
    using slice = sliceOf(noise(2 * MiB));
    const { leased } = mill.stats().slices;
    expect(await mill.run(crc32, slice)).toBe(crc32Of(slice.bytes));
    expect(mill.stats().slices.leased).toBe(leased);
  });

  test('is read where it lies, by an op that writes others', async () => {
    using slice = sliceOf(Buffer.from(LETTERS));
    const { leased } = mill.stats().slices;
    const output = await mill.run(ops.trailBytes, slice);
    expect(Buffer.from(output).toString()).toBe('|abcdefghij.ghij|klmnopqrst.qrst|uvwxyz!');
    // One for the output of each chunk.
    expect(mill.stats().slices.leased - leased).toBe(3);
    expect(slice.live).toBe(true);
  });

  test.each([ops.meetInPlace, ops.meetForValue] as Op<{ words: Int32Array }, unknown>[])(
    'is worked on by several threads at once ($name)',
    async (op) => {
      using slice = mill.buffers.acquire(2 * CHUNK);
      for (const data of [slice, new Uint8Array(2 * CHUNK)]) {
        const params = { words: shared() };
        // Had one thread taken them in turns, the first would still wait.
        await mill.run(op, data, params);
        expect(params.words[0]).toBe(2);
      }
    },
  );

  test('of 64 MiB is changed in place', async () => {
    using slice = mill.buffers.acquire(64 * MiB);
    slice.bytes.fill(250);
    await mill.run(ops.add, slice, { amount: 10 });
    expect(Buffer.from(slice.bytes.buffer, slice.bytes.byteOffset, 64 * MiB).indexOf(4)).toBe(0);
    expect(slice.bytes.every((byte) => byte === 4)).toBe(true);
  });
});

test('bytes that no slice could hold are changed in place, chunk by chunk', async () => {
  const input = new Uint8Array(mill.buffers.largest + 5).fill(1);
  const result = await mill.run(ops.add, input, { amount: 1 });
  expect(result.length).toBe(input.length);
  expect(result.every((byte) => byte === 2)).toBe(true);
  expect(input[0]).toBe(1);
});

describe('a chunk', () => {
  const at = LETTERS.charCodeAt(10);
  const input = Buffer.from(LETTERS);

  test.each([ops.happenInPlace, ops.happenForValue] as Op<ops.Happening, unknown>[])(
    'that throws fails the whole, with its error ($name)',
    async (op) => {
      using slice = sliceOf(input);
      for (const data of [slice, input]) {
        const error = await failureOf(mill.run(op, data, { at, what: 'throw', words: shared() }));
        expect(error.code).toBe('ERR_OP_FAILED');
        expect(error.cause).toMatchObject({ message: `met ${at}` });
      }
      expect(slice.live).toBe(true);
    },
  );

  test('whose thread dies runs again, if it gives a value', async () => {
    using slice = sliceOf(input);
    for (const data of [slice, input]) {
      const params = { at, what: 'exit once' as const, words: shared() };
      expect(await mill.run(ops.happenForValue, data, params)).toBe(26);
      expect(params.words[0]).toBe(2);
    }
  });

  test('whose thread dies fails the whole, if it may have changed its bytes', async () => {
    using slice = sliceOf(input);
    for (const data of [slice, input]) {
      const params = { at, what: 'exit' as const, words: shared() };
      const failing = mill.run(ops.happenInPlace as Op<typeof params, unknown>, data, params);
      expect(await codeOf(failing)).toBe('ERR_WORKER_DIED');
      expect(params.words[0]).toBe(1);
    }
    expect(slice.live).toBe(true);
  });

  test.each([ops.badMerge, ops.badFrame] as Op<void, unknown>[])(
    'whose result cannot be merged fails the whole ($name)',
    async (op) => {
      using slice = sliceOf(input);
      for (const data of [slice, input]) {
        const error = await failureOf(mill.run(op, data));
        expect(error.code).toBe('ERR_OP_FAILED');
        expect(error.message).toContain(`"${op.name}"`);
        expect(error.cause).toMatchObject({ message: 'cannot be joined' });
      }
    },
  );
});

describe('a signal', () => {
  test('ends an op over a slice, and the slice stays with the caller', async () => {
    using slice = sliceOf(Buffer.from(LETTERS.repeat(10_000)));
    const stop = new AbortController();
    const running = mill.run(ops.trail, slice, undefined, { signal: stop.signal });
    stop.abort(new RangeError('enough'));
    const error = await failureOf(running);
    expect(error.code).toBe('ERR_ABORTED');
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(slice.live).toBe(true);
    const signal = AbortSignal.abort();
    expect(await codeOf(mill.run(ops.trail, slice, undefined, { signal }))).toBe('ERR_ABORTED');
    expect(await codeOf(mill.run(ops.trail, slice.bytes, undefined, { signal }))).toBe(
      'ERR_ABORTED',
    );
  });
});

describe('what cannot be is told', () => {
  test.each([-1, 1.5, 2 ** 60, '10', undefined, true])(
    'of an output of at most %s bytes',
    async (bound) => {
      for (const op of [ops.bound, ops.boundInChunks]) {
        const error = await failureOf(mill.run(op, Buffer.from(LETTERS), { bound }));
        expect(error.code).toBe('ERR_OP_OUTPUT');
        for (const named of [`"${op.name}"`, 'split-ops.mjs', JSON.stringify(bound) ?? '']) {
          expect(error.message).toContain(named);
        }
      }
    },
  );

  test('of a bound that throws, and of one that no slice holds', async () => {
    const error = await failureOf(mill.run(ops.bound, Buffer.from('a'), { bound: 'throw' }));
    expect(error.code).toBe('ERR_OP_OUTPUT');
    expect(error.message).toContain('bound for nowhere');
    const { largest } = mill.buffers;
    for (const op of [ops.bound, ops.boundInChunks]) {
      const code = await codeOf(mill.run(op, Buffer.from(LETTERS), { bound: largest + 1 }));
      expect(code).toBe('ERR_SIZE');
    }
  });

  test('of chunks that no slice holds', async () => {
    const error = await failureOf(mill.pump({ from: Buffer.from(LETTERS), op: ops.gross }));
    expect(error.code).toBe('ERR_INVALID_ARG');
    for (const named of ['"gross"', 'split-ops.mjs', String(2 ** 40), '7']) {
      expect(error.message).toContain(named);
    }
  });

  test('of a target for a value, and of none for bytes', async () => {
    const to = fileOf('');
    const toFile = mill.pump({ from: to, op: ops.trail as never, to });
    expect((await failureOf(toFile)).message).toContain('"trail"');
    expect(await codeOf(toFile)).toBe('ERR_INVALID_ARG');
    const toNowhere = mill.pump({ from: to, op: ops.trailBytes as never });
    expect((await failureOf(toNowhere)).message).toContain('"to"');
    expect(await codeOf(toNowhere)).toBe('ERR_INVALID_ARG');
    expect(() => mill.stream(ops.trail as never)).toThrow('"trail"');
    expect(() => mill.stream(ops.bound as never)).toThrow('"split"');
  });
});
