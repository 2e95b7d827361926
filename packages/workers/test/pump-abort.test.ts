import { getEventListeners } from 'node:events';
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { createMill, type FlowSource, type FlowTarget } from '@millrace/workers';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';
import { failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import { copy } from './ops.mjs';
import { descriptorOf, fileOf, namedPipe, namesIn, newPath, openedTimes } from './temporary.ts';
import { until } from './until.ts';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => until(() => mill.stats().slices.live === 0 && mill.stats().tasks.inFlight === 0));

const input = noise(3 * MiB);
const why = new Error('the miller went home');

/** Starts to pump, aborts once `begun` holds, and expects that the flow ends with that. */
async function expectAborted(
  from: FlowSource,
  to: FlowTarget,
  begun: () => boolean | Promise<boolean> = () => true,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const pumping = failureOf(mill.pump({ from, op: copy, to, signal }));
  await until(begun);
  controller.abort(why);
  expect(await pumping).toMatchObject({ code: 'ERR_ABORTED', cause: why });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
}

/** A condition: slices have been leased since it was made, so chunks are being filled. */
function leasing(): () => boolean {
  const { leased } = mill.stats().slices;
  return () => mill.stats().slices.leased > leased;
}

describe('before it begins', () => {
  const signal = AbortSignal.abort(why);

  test('nothing is read, nothing is written and streams are destroyed', async () => {
    const { submitted } = mill.stats().tasks;
    for (const from of [fileOf(input), Readable.from([input])]) {
      const stream = new PassThrough();
      const path = newPath();
      for (const to of [path, stream]) {
        const error = await failureOf(mill.pump({ from, op: copy, to, signal }));
        expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: why });
      }
      expect(namesIn(dirname(path))).toEqual([]);
      expect(stream.destroyed).toBe(true);
      if (from instanceof Readable) expect(from.destroyed).toBe(true);
    }
    expect(mill.stats().tasks.submitted).toBe(submitted);
  });

  test('a reason need not be an error', async () => {
    const reasons = [undefined, 'tired', 7].map((reason) => AbortSignal.abort(reason));
    for (const odd of reasons) {
      const error = await failureOf(
        mill.pump({ from: input, op: copy, to: newPath(), signal: odd }),
      );
      expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: odd.reason as unknown });
    }
  });
});

describe('midway', () => {
  test.each([1, 2])(
    'the flow ends when the tasks that are in flight have: %d of them',
    async (at) => {
      const to = newPath();
      const gate = new Gate();
      const controller = new AbortController();
      let over = false;
      const pumping = failureOf(
        mill.pump({
          from: fileOf(input),
          op: copy,
          params: { gate: gate.words },
          to,
          signal: controller.signal,
        }),
      ).finally(() => (over = true));
      await gate.reached(at);
      controller.abort(why);
      await new Promise(setImmediate);
      // A worker still writes to a slice of it.
      expect(over).toBe(false);
      gate.open();
      expect(await pumping).toMatchObject({ code: 'ERR_ABORTED', cause: why });
      expect(mill.stats().slices.live).toBe(0);
      expect(namesIn(dirname(to))).toEqual([]);
    },
  );

  test('from within onProgress', async () => {
    const to = newPath();
    const controller = new AbortController();
    const error = await failureOf(
      mill.pump({
        from: input,
        op: copy,
        to,
        signal: controller.signal,
        onProgress: () => controller.abort(why),
      }),
    );
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: why });
    expect(namesIn(dirname(to))).toEqual([]);
  });

  test('other flows go on', async () => {
    const others = Array.from({ length: 4 }, () => mill.run(copy, input));
    await expectAborted(input, newPath(), leasing());
    for (const other of others) expect(Buffer.compare(await other, input)).toBe(0);
  });
});

describe('while it waits for a source that gives nothing', () => {
  test.each<[string, () => FlowSource]>([
    ['a Node stream', () => new Readable({ read() {} })],
    ['a Node stream that has given something', () => Readable.from(never())],
    ['a web stream', () => new ReadableStream()],
    ['a generator', () => never()],
  ])('%s', async (_name, source) => {
    const to = newPath();
    const from = source();
    await expectAborted(from, to, leasing());
    expect(namesIn(dirname(to))).toEqual([]);
    if (from instanceof Readable) expect(from.destroyed).toBe(true);
  });

  test('a web stream is cancelled with it', async () => {
    let cancelled = false;
    const from = new ReadableStream({ cancel: () => void (cancelled = true) });
    await expectAborted(from, newPath(), leasing());
    expect(cancelled).toBe(true);
  });

  test('a pipe, by its descriptor: nothing more is read from it', async () => {
    const pipe = descriptorOf(namedPipe(), constants.O_RDWR);
    const to = newPath();
    await expectAborted(pipe, to, leasing());
    expect(namesIn(dirname(to))).toEqual([]);
    // The read under way still owns its slices, until it comes back.
    expect(mill.stats().slices.live).toBe(2);
    writeSync(pipe, 'first');
    await until(() => mill.stats().slices.live === 0);
    writeSync(pipe, 'second');
    const rest = new Uint8Array(100);
    expect(Buffer.from(rest.subarray(0, readSync(pipe, rest))).toString()).toBe('second');
  });

  test('a pipe, by its path: its descriptor is closed once the read comes back, and no other file is read', async () => {
    const path = namedPipe();
    const pipe = descriptorOf(path, constants.O_RDWR);
    await expectAborted(path, newPath(), leasing());
    expect(openedTimes(path)).toBe(2);
    const numbers = Array.from({ length: 20 }, () => descriptorOf(fileOf(input), 'r'));
    writeSync(pipe, 'late');
    await until(() => mill.stats().slices.live === 0 && openedTimes(path) === 1);
    for (const number of numbers) {
      const start = new Uint8Array(16);
      readSync(number, start);
      expect(Buffer.compare(start, input.subarray(0, 16))).toBe(0);
    }
  });

  test('a pipe that nobody has opened for writing', async () => {
    const path = namedPipe();
    const to = newPath();
    await expectAborted(path, to);
    expect(namesIn(dirname(to))).toEqual([]);
    await expectLetGo(path);
  });
});

describe('while it waits for a target that takes nothing', () => {
  test('a Node stream is destroyed', async () => {
    let writing = false;
    const to = new Writable({ write: () => void (writing = true) });
    await expectAborted(input, to, () => writing);
    expect(to.destroyed).toBe(true);
    expect(to.errored).toMatchObject({ code: 'ERR_ABORTED' });
  });

  test('a web stream is aborted', async () => {
    let told: AbortSignal | undefined;
    let writing = false;
    const to = new WritableStream({
      start: (controller) =>
        void (told = (controller as unknown as { signal: AbortSignal }).signal),
      write: () => new Promise(() => (writing = true)),
    });
    await expectAborted(input, to, () => writing);
    expect(told!.reason).toMatchObject({ code: 'ERR_ABORTED' });
  });

  test('a pipe whose reader sleeps: the descriptor stays open', async () => {
    const path = namedPipe();
    const pipe = descriptorOf(path, constants.O_RDWR);
    const writer = descriptorOf(path, 'w');
    await expectAborted(input, writer, leasing());
    expect(fstatSync(writer).isFIFO()).toBe(true);
    expect(fstatSync(pipe).isFIFO()).toBe(true);
  });

  test('a pipe that nobody has opened for reading', async () => {
    const path = namedPipe();
    await expectAborted(input, path);
    await expectLetGo(path);
  });
});

test('while it waits for memory', async () => {
  await using small = await createMill({ threads: 1, memory: 4 * MiB });
  using all = small.buffers.acquire(4 * MiB);
  const controller = new AbortController();
  const pumping = failureOf(
    small.pump({ from: input, op: copy, to: newPath(), signal: controller.signal }),
  );
  await new Promise(setImmediate);
  controller.abort(why);
  expect(await pumping).toMatchObject({ code: 'ERR_ABORTED', cause: why });
  expect(all.live).toBe(true);
});

test.each([0, 1, 2, 3, 4, 5, 6])(
  'while its ends are being opened nothing is left of them: %d turns after it has begun',
  async (turns) => {
    for (let i = 0; i < 5; i++) {
      const to = newPath();
      const gate = new Gate();
      const controller = new AbortController();
      const { signal } = controller;
      const pumping = failureOf(
        mill.pump({ from: fileOf(input), op: copy, params: { gate: gate.words }, to, signal }),
      );
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      controller.abort(why);
      gate.open();
      expect((await pumping).code).toBe('ERR_ABORTED');
      expect(namesIn(dirname(to))).toEqual([]);
    }
  },
);

test('a signal that is never used is not listened to any more when the flow is over', async () => {
  const { signal } = new AbortController();
  await mill.pump({ from: input, op: copy, to: newPath(), signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

/** Lets those go that still wait in `open` for a pipe's other end; they must close what they get. */
async function expectLetGo(path: string): Promise<void> {
  const both = openSync(path, constants.O_RDWR);
  // Between the open that comes back and the close that follows, nothing is under way.
  await until(
    () => !process.getActiveResourcesInfo().includes('FSReqPromise') && openedTimes(path) === 1,
  );
  closeSync(both);
}

async function* never(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('something first');
  await new Promise(() => {});
}
