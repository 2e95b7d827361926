import { fileURLToPath } from 'node:url';
import { createMill, defineOp, type MillraceError, type Op } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import type { Thrown } from './ops.mjs';
import { through } from './programs.ts';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => {
  const { slices, tasks, deaths } = mill.stats();
  expect({ live: slices.live, inFlight: tasks.inFlight, deaths }).toEqual({
    live: 0,
    inFlight: 0,
    deaths: 0,
  });
});

const some = new Uint8Array([1, 2, 3]);
/** One of each kind. */
const anyOps = [ops.sum, ops.invert, ops.double, gzip] as Op<void, unknown>[];

test('what an op throws comes though there is no file left to open', () => {
  const script = fileURLToPath(new URL('no-file-left.mjs', import.meta.url));
  const limited = ['-c', 'ulimit -n 300 && exec "$0" "$1"', process.execPath, script];
  expect(through('sh', limited, new Uint8Array(0)).toString()).toBe('ERR_OP_FAILED EMFILE 0\n');
});

describe.each([ops.fail, ops.failLater, ops.failInPlace])('what $name throws', (op) => {
  async function failure(how: Thrown): Promise<MillraceError> {
    const error = await failureOf(mill.run(op as typeof ops.fail, some, { how }));
    expect(error.code).toBe('ERR_OP_FAILED');
    expect(error.message).toContain(`"${op.name}"`);
    return error;
  }

  test('comes as the cause, with its type, message and stack', async () => {
    const { message, cause } = await failure('error');
    expect(message).toContain('out of reach');
    expect(cause).toBeInstanceOf(RangeError);
    expect((cause as RangeError).message).toBe('out of reach');
    expect((cause as RangeError).stack).toContain('ops.mjs');
  });

  test('keeps its code', async () => {
    expect((await failure('coded')).cause).toMatchObject({
      code: 'ENOENT',
      message: 'no such thing',
    });
  });

  test('may be no error at all', async () => {
    expect(await failure('string')).toMatchObject({ cause: 'just words' });
    expect((await failure('string')).message).toContain('just words');
    expect((await failure('undefined')).cause).toBeUndefined();
  });

  test('may be something that cannot be cloned: then its description comes', async () => {
    expect((await failure('uncloneable cause')).message).toContain('with a function');
    expect((await failure('symbol')).message).toContain('Symbol(mark)');
    await failure('uncloneable code');
    await failure('bare object');
  });
});

test('a result that cannot be cloned is named', async () => {
  const error = await failureOf(mill.run(ops.uncloneable, some));
  expect(error.code).toBe('ERR_OP_OUTPUT');
  expect(error.message).toContain('"uncloneable"');
});

test.each([
  -1,
  11,
  1.5,
  Number.NaN,
  Infinity,
  '5',
  undefined,
  null,
  {},
  { size: -1 },
  { size: 11 },
])('an op cannot claim to have written %o of 10 bytes', async (written) => {
  const error = await failureOf(mill.run(ops.claim, some, { written }));
  expect(error.code).toBe('ERR_OP_OUTPUT');
  expect(error.message).toContain('"claim"');
  expect(error.message).toContain('from 0 to 10');
});

describe('an op that cannot be loaded', () => {
  const here = (name: string): string => new URL(name, import.meta.url).href;
  const op = (module: string, name: string): Op<void, number> =>
    defineOp<void, number>(here(module), name, { run: () => 1 });

  test.each([
    ['its module is missing', op('./absent.mjs', 'sum'), 'absent.mjs'],
    ['its export is missing', op('./ops.mjs', 'absent'), '"absent"'],
    ['its export is no op', op('./not-an-op.mjs', 'notAnOp'), '"notAnOp"'],
    ['its module throws', op('./throws-when-loaded.mjs', 'sum'), 'no corn today'],
    ['its module is no JavaScript', op('data:text/javascript,oats and corn', 'sum'), 'SyntaxError'],
  ])('is told so when %s', async (_why, broken, named) => {
    // More than once, so that each thread meets it.
    for (let i = 0; i < 4; i++) {
      const error = await failureOf(mill.run(broken, some));
      expect(error.code).toBe('ERR_OP_LOAD');
      expect(error.message).toContain(named);
    }
  });

  test('does not stop others', async () => {
    const broken = Array.from({ length: 50 }, () =>
      codeOf(mill.run(op('./absent.mjs', 'x'), some)),
    );
    const sound = Array.from({ length: 50 }, () => mill.run(ops.sum, some));
    expect(new Set(await Promise.all(broken))).toEqual(new Set(['ERR_OP_LOAD']));
    expect(new Set(await Promise.all(sound))).toEqual(new Set([6]));
  });
});

test('what is not an op is refused', async () => {
  const wrongs: unknown[] = [undefined, null, 'gzip', {}, () => {}];
  for (const wrong of wrongs) {
    expect(await codeOf(mill.run(wrong as Op<void, number>, some))).toBe('ERR_INVALID_ARG');
  }
});

test('what is neither bytes nor a slice is refused, for any op', async () => {
  for (const wrong of ['text', 7, null, {}, [1], new ArrayBuffer(4), new Float64Array(2)]) {
    for (const op of [ops.sum, gzip] as Op<void, unknown>[]) {
      const error = await failureOf(mill.run(op, wrong as unknown as Uint8Array));
      expect(error.code).toBe('ERR_INVALID_ARG');
      expect(error.message).toContain(op.name);
    }
  }
});

describe('a slice', () => {
  test('that was released is refused, for any op', async () => {
    const slice = mill.buffers.acquire(10);
    slice.release();
    for (const op of anyOps) {
      expect(await codeOf(mill.run(op, slice))).toBe('ERR_SLICE_STALE');
    }
    expect(() => slice.release()).toThrow('was released');
  });

  test('that was released and lent again is refused to the one who had it before', async () => {
    const before = mill.buffers.acquire(10);
    before.release();
    using after = mill.buffers.acquire(10);
    expect(after.ref).toBe(before.ref);
    expect(await codeOf(mill.run(ops.invert, before))).toBe('ERR_SLICE_STALE');
  });

  test('of another mill is refused, for any op', async () => {
    await using other = await createMill({ threads: 1, memory: 4 * 2 ** 20 });
    using slice = other.buffers.acquire(10);
    for (const op of anyOps) {
      expect(await codeOf(mill.run(op, slice))).toBe('ERR_SLICE_FOREIGN');
    }
  });

  test('stays with the caller when the op fails', async () => {
    using slice = mill.buffers.acquire(10);
    await codeOf(mill.run(ops.failInPlace, slice, { how: 'error' }));
    expect(slice.live).toBe(true);
  });
});

describe('params', () => {
  test('that cannot be cloned are refused at once', async () => {
    for (const params of [() => {}, { f: () => {} }, { deep: { symbol: Symbol('s') } }]) {
      const error = await failureOf(mill.run(ops.describe, some, params));
      expect(error.code).toBe('ERR_PARAMS_NOT_CLONEABLE');
      expect(error.message).toContain('"describe"');
    }
  });

  test('belong to the call: what the caller does to them later is not seen', async () => {
    const flat = { value: 1 };
    const deep = { list: [1] };
    const results = [mill.run(ops.echo, some, flat), mill.run(ops.echo, some, deep)];
    flat.value = 2;
    deep.list.push(2);
    const [first, second] = await Promise.all(results);
    expect(first!.params).toEqual({ value: 1 });
    expect(second!.params).toEqual({ list: [1] });
    expect((await mill.run(ops.echo, some, flat)).params).toEqual({ value: 2 });
  });

  test('are checked by the op on the thread of the caller', async () => {
    expect(await codeOf(mill.run(gzip, some, { level: 77 }))).toBe('ERR_INVALID_ARG');
  });
});

test('memory that is all lent is named, and comes back', async () => {
  const adaptive = { acquireTimeoutMs: 0 };
  await using small = await createMill({ threads: 1, memory: 4 * 2 ** 20, adaptive });
  const gate = new Gate();
  const held = Array.from({ length: 4 }, () =>
    small.run(ops.hold, new Uint8Array(2 ** 20), { gate: gate.words }),
  );
  const error = await failureOf(small.run(ops.sum, some));
  expect(error.code).toBe('ERR_POOL_EXHAUSTED');
  expect(error.message).toContain('"memory"');
  gate.open();
  expect(await Promise.all(held)).toEqual([0, 0, 0, 0]);
  expect(await small.run(ops.sum, new Uint8Array(2 ** 20))).toBe(0);
});
