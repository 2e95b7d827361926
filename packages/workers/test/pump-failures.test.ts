import { once } from 'node:events';
import {
  appendFileSync,
  createReadStream,
  createWriteStream,
  readFileSync,
  truncateSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { createMill, type FlowSource } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MiB, noise, text } from './content.ts';
import { codeOf, failureOf, systemCodeOf } from './failure.ts';
import { Gate } from './gate.ts';
import { copy, failAt, sum } from './ops.mjs';
import { runScript } from './programs.ts';
import { descriptorOf, device, fileOf, folder, namesIn, newPath } from './temporary.ts';

const CHUNK = 64 * 1024;
const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => {
  expect(mill.stats()).toMatchObject({ slices: { live: 0 }, tasks: { inFlight: 0 } });
});

const input = noise(2 * MiB);

/** A sink that takes `count` pieces and then does `what`. */
function sinkUntil(count: number, what: (sink: Writable) => Error | undefined): Writable {
  return new Writable({
    write(_piece, _encoding, callback) {
      callback(count-- > 0 ? null : what(this));
    },
  });
}

/** Pumps into a new file, and expects that nothing is left of it. */
async function leftNothing<T>(outcome: (to: string) => Promise<T>): Promise<T> {
  const to = newPath();
  const result = await outcome(to);
  expect(namesIn(dirname(to))).toEqual([]);
  return result;
}

describe('a source', () => {
  test('that is missing, or a folder, is named', async () => {
    const missing = join(folder(), 'absent');
    const error = await leftNothing((to) => failureOf(mill.pump({ from: missing, op: copy, to })));
    expect(error).toMatchObject({ code: 'ERR_READ', cause: { code: 'ENOENT' } });
    expect(error.message).toContain(missing);
    expect(
      await leftNothing((to) => systemCodeOf(mill.pump({ from: folder(), op: copy, to }))),
    ).toBe('EISDIR');
  });

  test('that may not be read, or a target that may not be written, is an error of the system', async () => {
    const { stdout, exitCode, stderr } = await runScript('forbidden-files.mjs');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      read: ['ERR_READ', 'EACCES'],
      write: ['ERR_WRITE', 'EACCES'],
    });
  });

  test('that is a bad descriptor, or one that cannot be read, is an error of the system', async () => {
    const writeOnly = descriptorOf(newPath(), 'w');
    for (const from of [writeOnly, 1_000_000]) {
      expect(await leftNothing((to) => systemCodeOf(mill.pump({ from, op: copy, to })))).toBe(
        'EBADF',
      );
    }
  });

  test.each([1, 3 * CHUNK, 19 * CHUNK + 1])(
    'that shrinks to %d bytes while it is read is told',
    async (bytes) => {
      const from = fileOf(noise(20 * CHUNK));
      const gate = new Gate();
      const code = await leftNothing(async (to) => {
        const pumping = codeOf(mill.pump({ from, op: copy, params: { gate: gate.words }, to }));
        await gate.reached(1);
        truncateSync(from, bytes);
        gate.open();
        return pumping;
      });
      expect(code).toBe('ERR_INPUT_CHANGED');
    },
  );

  test.each([1, CHUNK, 30 * CHUNK + 1])(
    'that grows by %d bytes while it is read is read to its end',
    async (bytes) => {
      const from = fileOf(noise(20 * CHUNK));
      const to = newPath();
      const gate = new Gate();
      const pumping = mill.pump({ from, op: copy, params: { gate: gate.words }, to });
      await gate.reached(1);
      appendFileSync(from, text(bytes));
      gate.open();
      expect((await pumping).bytesIn).toBe(20 * CHUNK + bytes);
      expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
    },
  );

  test.each<[string, () => FlowSource]>([
    ['a Node stream', () => Readable.from(breaking())],
    ['a generator', breaking],
    ['a web stream', () => Readable.toWeb(Readable.from(breaking()))],
    ['a stream of a missing file', () => createReadStream(join(folder(), 'absent'))],
  ])('that breaks midway fails the flow: %s', async (_name, source) => {
    const error = await leftNothing((to) => failureOf(mill.pump({ from: source(), op: copy, to })));
    expect(error.code).toBe('ERR_READ');
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('is let go when the target fails', async () => {
    const stream = Readable.from([input]);
    let returned = false;
    const generator = (function* () {
      try {
        for (;;) yield input;
      } finally {
        returned = true;
      }
    })();
    const to = join(folder(), 'absent', 'output');
    expect(await systemCodeOf(mill.pump({ from: stream, op: copy, to }))).toBe('ENOENT');
    expect(stream.destroyed).toBe(true);
    const sink = sinkUntil(3, () => new Error('full'));
    await failureOf(mill.pump({ from: generator, op: copy, to: sink }));
    expect(returned).toBe(true);
  });
});

describe('a target', () => {
  test('that is full is an error of the system', async () => {
    const full = device('full');
    for (const to of [full, descriptorOf(full, 'w'), createWriteStream(full)]) {
      expect(await systemCodeOf(mill.pump({ from: input, op: copy, to }))).toBe('ENOSPC');
    }
  });

  test('that breaks fails the flow: a stream', async () => {
    const failing = sinkUntil(2, () => new Error('no flour bags'));
    const failure = failureOf(mill.pump({ from: input, op: copy, to: failing }));
    expect(await failure).toMatchObject({ code: 'ERR_WRITE', cause: { message: 'no flour bags' } });
    expect(failing.destroyed).toBe(true);
  });

  test('that breaks fails the flow: a web stream', async () => {
    const to = new WritableStream({
      write() {
        throw new Error('no flour bags');
      },
    });
    expect(await codeOf(mill.pump({ from: input, op: copy, to }))).toBe('ERR_WRITE');
  });

  test('that breaks at its very end fails the flow', async () => {
    const to = new Writable({
      write: (_piece, _encoding, callback) => callback(),
      final: (callback) => callback(new Error('cannot close')),
    });
    expect(await failureOf(mill.pump({ from: input, op: copy, to }))).toMatchObject({
      code: 'ERR_WRITE',
      cause: { message: 'cannot close' },
    });
  });

  test.each([0, 1, 30, 31])('that is destroyed after %d pieces fails the flow', async (count) => {
    // 32 pieces in all, so that 31 is the last before the end.
    const sink = sinkUntil(count, (stream) => void stream.destroy());
    expect(await codeOf(mill.pump({ from: input, op: copy, to: sink }))).toBe('ERR_WRITE');
  });

  test('that was destroyed or ended before fails the flow', async () => {
    const destroyed = sinkUntil(9, () => undefined).destroy();
    const ended = sinkUntil(9, () => undefined).end();
    await once(ended, 'close');
    for (const to of [destroyed, ended]) {
      expect(await codeOf(mill.pump({ from: input, op: copy, to }))).toBe('ERR_WRITE');
    }
  });

  test('that breaks while the source is being opened fails the flow and not the process', async () => {
    const from = fileOf(input);
    for (let i = 0; i < 20; i++) {
      const to = createWriteStream(join(folder(), 'absent', 'output'));
      expect(await systemCodeOf(mill.pump({ from, op: copy, to }))).toBe('ENOENT');
    }
  });

  test('that is a stream is destroyed when the source cannot be opened', async () => {
    const from = join(folder(), 'absent');
    const to = sinkUntil(9, () => undefined);
    expect(await systemCodeOf(mill.pump({ from, op: copy, to }))).toBe('ENOENT');
    expect(to.destroyed).toBe(true);
    let reason: unknown;
    const web = new WritableStream({ abort: (why) => void (reason = why) });
    await failureOf(mill.pump({ from, op: copy, to: web }));
    expect(reason).toMatchObject({ code: 'ERR_READ' });
  });
});

test('an op that fails in one chunk fails the flow, with its own error', async () => {
  const from = fileOf(Buffer.concat(Array.from({ length: 30 }, (_, i) => Buffer.alloc(CHUNK, i))));
  for (const byte of [0, 1, 15, 29]) {
    const pumping = (to: string) =>
      failureOf(mill.pump({ from, op: failAt, params: { byte }, to }));
    const error = await leftNothing(pumping);
    expect(error).toMatchObject({ code: 'ERR_OP_FAILED', cause: { message: `met ${byte}` } });
  }
});

test('an op that does not say how to cut its input cannot be pumped through', async () => {
  const error = await leftNothing((to) =>
    failureOf(mill.pump({ from: input, op: sum as unknown as typeof copy, to })),
  );
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain('"sum"');
});

test('a mill that is closed midway fails the flow once its tasks have ended', async () => {
  const other = await createMill({ threads: 1 });
  const gate = new Gate();
  const code = await leftNothing(async (to) => {
    const pumping = codeOf(other.pump({ from: input, op: copy, params: { gate: gate.words }, to }));
    await gate.reached(1);
    const closing = other.close();
    gate.open();
    await closing;
    return pumping;
  });
  expect(code).toBe('ERR_MILL_CLOSED');
  expect(other.stats().slices.live).toBe(0);
});

test('after every failure the mill works on', async () => {
  const to = newPath();
  await mill.pump({ from: input, op: gzip, to });
  expect(namesIn(dirname(to))).toEqual(['output']);
});

async function* breaking(): AsyncGenerator<Buffer> {
  yield input;
  yield await Promise.resolve(input);
  throw new Error('the sluice broke');
}
