import { createMill, proxy, type Mill, type Slice } from '@millrace/workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import type { Counter, Slow, shared } from './objects.mjs';
import * as ops from './ops.mjs';
import { expectSound } from './threads.ts';
import { until } from './until.ts';

const THREADS = 2;
const url = new URL('objects.mjs', import.meta.url);
let mill: Mill;
beforeEach(async () => {
  mill = await createMill({ threads: THREADS });
  await until(() => mill.stats().threads.length === THREADS);
});
afterEach(async () => {
  expectSound(mill, THREADS);
  expect(mill.stats().deaths).toBe(0);
  await mill.close();
});

const counter = (start = 0, gate = new Gate()) =>
  mill.remote<Counter>(url, 'Counter', { args: [start, gate.words] });
const remotes = () => mill.stats().threads.map((thread) => thread.remotes);

describe('a remote object', () => {
  test('is an instance of a class, and keeps what it knows', async () => {
    await using object = await counter(5);
    expect(await object.add(2)).toBe(7);
    expect(await object.addLater(3)).toBe(10);
    expect(await object.count).toBe(10);
    expect(await object.start).toBe(5);
  });

  test('may be the export itself, which is not disposed of', async () => {
    for (let i = 1; i <= 3; i++) {
      await using object = await mill.remote<typeof shared>(url, 'shared', {
        thread: mill.stats().threads[0]!.id,
      });
      expect(await object.call()).toBe(i);
      expect(await object.name).toBe('shared');
    }
  });

  test.each(['makeCounter', 'makeLater'])('may be what a function returns: %s', async (name) => {
    await using object = await mill.remote<Counter>(url, name, { args: [3] });
    expect(await object.add(4)).toBe(7);
  });

  test('lives in one thread, beside others: where there are fewest', async () => {
    const objects = await Promise.all(Array.from({ length: 6 }, () => counter()));
    expect(remotes()).toEqual([3, 3]);
    const threads = await Promise.all(objects.map((object) => object.where()));
    expect(new Set(threads).size).toBe(2);
    for (const object of objects) await object[Symbol.asyncDispose]();
    expect(remotes()).toEqual([0, 0]);
  });

  test('lives in the thread that is asked for', async () => {
    for (const { id, threadId } of mill.stats().threads) {
      await using object = await mill.remote<Counter>(url, 'Counter', { thread: id });
      expect(await object.where()).toBe(threadId);
    }
  });

  test('answers calls in their order, and each with its own answer', async () => {
    await using object = await counter();
    const answers = await Promise.all(Array.from({ length: 1000 }, () => object.add()));
    expect(answers).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  });

  test('answers when its thread is parked, and between tasks when it is busy', async () => {
    await using object = await mill.remote<Counter>(url, 'Counter');
    const gates = Array.from({ length: THREADS }, () => new Gate());
    const held = gates.map((gate) => mill.run(ops.hold, new Uint8Array(1), { gate: gate.words }));
    for (const gate of gates) await gate.reached(1);
    const answer = object.add();
    for (const gate of gates) gate.open();
    // Its thread has more to do, but lets it have its turn.
    const tasks = Promise.all(Array.from({ length: 500 }, () => mill.run(ops.later)));
    expect(await answer).toBe(1);
    await Promise.all([tasks, ...held]);
    expect(await object.add()).toBe(2);
  });

  test('can be made in a thread that is busy: it waits', async () => {
    const gates = Array.from({ length: THREADS }, () => new Gate());
    const held = gates.map((gate) => mill.run(ops.hold, new Uint8Array(1), { gate: gate.words }));
    for (const gate of gates) await gate.reached(1);
    const making = counter(4);
    expect(remotes()).not.toEqual([1, 0]);
    for (const gate of gates) gate.open();
    await using object = await making;
    expect(await object.count).toBe(4);
    await Promise.all(held);
  });

  test('lets tasks run in its thread meanwhile', async () => {
    const gate = new Gate();
    await using object = await mill.remote<Counter>(url, 'Counter', { args: [0, gate.words] });
    const never = object.never();
    await gate.reached(1);
    const sums = Array.from({ length: 200 }, (_, i) => mill.run(ops.sum, new Uint8Array([i])));
    expect(await Promise.all(sums)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    void never.catch(() => {});
    expect(await object.add()).toBe(1);
    // What never answers would keep it for ever.
    await mill.close({ drain: false });
    expect(await codeOf(never)).toBe('ERR_MILL_CLOSED');
    mill = await createMill({ threads: THREADS });
    await until(() => mill.stats().threads.length === THREADS);
  });
});

describe('what is disposed of', () => {
  test('is disposed of in its thread, once the calls under way are answered', async () => {
    const gate = new Gate();
    const object = await counter(0, gate);
    const answers = [object.addLater(1), object.addLater(2)];
    await object[Symbol.asyncDispose]();
    expect(await Promise.all(answers)).toEqual([1, 3]);
    expect(gate.arrived).toBe(1000);
    expect(remotes()).toEqual([0, 0]);
  });

  test('is waited for if that takes a while', async () => {
    const gate = new Gate();
    const object = await mill.remote<Slow>(url, 'Slow', { args: [gate.words] });
    await object[Symbol.asyncDispose]();
    expect(gate.arrived).toBe(1);
  });

  test('may be disposed of without waiting, and more than once', async () => {
    const gate = new Gate();
    {
      using object = await counter(0, gate);
      expect(await object.add()).toBe(1);
      object[Symbol.dispose]();
    }
    await until(() => gate.arrived === 1000);
    await until(() => remotes().every((count) => count === 0));
  });

  test('cannot be called any more', async () => {
    const object = await counter();
    const { add } = object;
    await object[Symbol.asyncDispose]();
    expect(await codeOf(object.add())).toBe('ERR_REMOTE_RELEASED');
    expect(await codeOf(add(1))).toBe('ERR_REMOTE_RELEASED');
    expect(await codeOf(Promise.resolve(object.count))).toBe('ERR_REMOTE_RELEASED');
  });

  test('is all that is left when the mill closes, which waits for calls under way', async () => {
    const gate = new Gate();
    const object = await counter(0, gate);
    const answer = object.addLater(5);
    await mill.close();
    expect(await answer).toBe(5);
    expect(gate.arrived).toBe(1000);
    expect(await codeOf(object.add())).toBe('ERR_REMOTE_RELEASED');
    expect(await codeOf(counter())).toBe('ERR_MILL_CLOSED');
    mill = await createMill({ threads: THREADS });
    await until(() => mill.stats().threads.length === THREADS);
  });
});

describe('a slice', () => {
  function sliceOf(byteLength: number, byte = 0): Slice {
    const slice = mill.buffers.acquire(byteLength);
    slice.bytes.fill(byte);
    return slice;
  }

  test('among the arguments is lent, and written where it lies', async () => {
    await using object = await counter();
    using slice = sliceOf(5000, 3);
    const seen = await object.mark(slice, 9);
    expect(seen).toEqual({ first: 3, offset: slice.bytes.byteOffset, isSlice: true });
    expect(slice.bytes[0]).toBe(9);
    const [first, { second }] = (await object.give(slice, { second: [slice] })) as [
      Slice,
      { second: Slice[] },
    ];
    expect(first).toBe(slice);
    expect(second[0]).toBe(slice);
  });

  test('that was lent cannot be used when the call is over', async () => {
    await using object = await counter();
    using slice = sliceOf(10);
    await object.keep(slice);
    await expect(object.useKept()).rejects.toMatchObject({ code: 'ERR_SLICE_STALE' });
  });

  test("in the result is the caller's, and was not copied", async () => {
    await using object = await counter();
    for (const size of [1, 70_000, 5 * 1024 * 1024]) {
      const { slice, offset } = await object.fresh(size, 7);
      expect(slice.byteLength).toBe(size);
      expect(slice.bytes.byteOffset).toBe(offset);
      expect(slice.bytes.every((byte) => byte === 7)).toBe(true);
      slice.release();
    }
  });

  test('is lent to callbacks as well', async () => {
    await using object = await counter();
    const callback = proxy((slice: Slice) => {
      const [seen] = slice.bytes;
      slice.bytes[0] = 8;
      return seen;
    });
    expect(await object.lendTo(callback, 5)).toEqual({ answer: 5, after: 8 });
  });

  test('that was lent may be lent on, to a callback', async () => {
    await using object = await counter();
    using slice = sliceOf(10, 3);
    let offset = -1;
    const callback = proxy(({ inner: [lent] }: { inner: [Slice] }) => {
      lent.bytes[0] = 4;
      offset = lent.bytes.byteOffset;
      return lent;
    });
    expect(await object.passOn(slice, callback)).toEqual({ isSame: true, byte: 4 });
    expect(offset).toBe(slice.bytes.byteOffset);
    expect(slice.bytes[0]).toBe(4);
  });

  test('is not lost when the result cannot be sent', async () => {
    await using object = await counter();
    await expect(object.notCloneable()).rejects.toThrow('could not be cloned');
    expect(mill.stats().slices.live).toBe(0);
  });

  test('must be live, and of the same mill', async () => {
    await using object = await counter();
    const slice = sliceOf(10);
    slice.release();
    expect(await codeOf(object.mark(slice, 1))).toBe('ERR_SLICE_STALE');
    await using other = await createMill({ threads: 1 });
    using foreign = other.buffers.acquire(10);
    expect(await codeOf(object.mark(foreign, 1))).toBe('ERR_SLICE_FOREIGN');
    expect(await object.add()).toBe(1);
  });

  test('is none left behind by ten thousand calls', async () => {
    await using object = await counter();
    let done = 0;
    const caller = async (): Promise<void> => {
      while (done++ < 5000) {
        using lent = sliceOf(100);
        await object.mark(lent, 1);
        const { slice } = await object.fresh(100, 1);
        slice.release();
      }
    };
    await Promise.all(Array.from({ length: 20 }, caller));
    expect(mill.stats().slices.live).toBe(0);
  });
});

describe('a callback', () => {
  test('is called in the thread that passed it', async () => {
    await using object = await counter();
    const seen: number[] = [];
    const callback = proxy(async (n: number) => {
      seen.push(n);
      await new Promise((resolve) => setImmediate(resolve));
      return `${n}`;
    });
    expect(await object.each([1, 2, 3], callback)).toEqual(['1', '2', '3']);
    expect(seen).toEqual([1, 2, 3]);
  });

  test('that throws is told of', async () => {
    await using object = await counter();
    const callback = proxy((): never => {
      throw Object.assign(new RangeError('not that'), { code: 'E_NOT' });
    });
    const failure = object.each([1], callback);
    await expect(failure).rejects.toBeInstanceOf(RangeError);
    await expect(failure).rejects.toMatchObject({ message: 'not that', code: 'E_NOT' });
  });
});

test('what an object returns as a proxy lives as long as it is wanted', async () => {
  const gate = new Gate();
  const object = await counter(1, gate);
  const child = await object.child(10);
  expect(await child.add(5)).toBe(15);
  await object[Symbol.asyncDispose]();
  expect(await child.add(5)).toBe(20);
  expect(await codeOf(object.add())).toBe('ERR_REMOTE_RELEASED');
});

describe('what a method throws', () => {
  test('is thrown here, with its class, code, cause and properties', async () => {
    await using object = await counter();
    const error = (await object.fail('odd').catch((thrown: unknown) => thrown)) as TypeError;
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'odd', code: 'E_ODD', detail: [7] });
    expect(error.cause).toMatchObject({ message: 'deeper' });
    expect(error.stack).toContain('objects.mjs');
  });

  test('may be no error at all', async () => {
    await using object = await counter();
    await expect(object.fail({ how: 'badly' })).rejects.toEqual({ how: 'badly' });
  });

  test('is told when arguments cannot be cloned', async () => {
    await using object = await counter();
    expect(await codeOf(object.give(() => {}))).toBe('ERR_PARAMS_NOT_CLONEABLE');
    expect(await object.add()).toBe(1);
  });
});

describe('what cannot be made', () => {
  test.each([
    [url, 'Count', 'ERR_OP_LOAD', 'Cannot find "Count"'],
    [url, 'number', 'ERR_OP_LOAD', 'of type number'],
    [url, 'makeNothing', 'ERR_OP_LOAD', 'returns of type undefined'],
    [new URL('absent.mjs', import.meta.url), 'X', 'ERR_OP_LOAD', 'absent.mjs'],
    [new URL('throws-when-loaded.mjs', import.meta.url), 'X', 'ERR_OP_LOAD', 'no corn today'],
    ['objects.mjs', 'X', 'ERR_INVALID_ARG', '"objects.mjs"'],
    [url, '', 'ERR_INVALID_ARG', 'name'],
  ])('%s, %s', async (module, name, code, message) => {
    const error = await failureOf(mill.remote(module, name));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    await until(() => remotes().every((count) => count === 0));
  });

  test('is what its constructor refuses', async () => {
    const error = await failureOf(mill.remote(url, 'Counter', { args: ['fail'] }));
    expect(error.code).toBe('ERR_OP_FAILED');
    expect(error.message).toContain('"Counter"');
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.cause).toMatchObject({ message: 'no such start' });
    await until(() => remotes().every((count) => count === 0));
  });

  test('is what is made of things that cannot be cloned', async () => {
    const error = await failureOf(mill.remote(url, 'Counter', { args: [() => {}] }));
    expect(error.code).toBe('ERR_PARAMS_NOT_CLONEABLE');
    await until(() => remotes().every((count) => count === 0));
  });

  test('is what is to live in a thread that does not exist', async () => {
    const error = await failureOf(mill.remote(url, 'Counter', { thread: 99 }));
    expect(error.code).toBe('ERR_INVALID_ARG');
    expect(error.message).toContain('99');
  });
});
