import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable, Writable } from 'node:stream';
import { createMill } from '@millrace/workers';
import { afterAll, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';
import { codeOf } from './failure.ts';
import { copy } from './ops.mjs';
import { newPath } from './temporary.ts';
import { until } from './until.ts';

// What a flow calls runs in the asynchronous context of whoever began it, although other flows, workers and
// readers are what makes it go on.

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());

const storage = new AsyncLocalStorage<string>();
const input = noise(2 * MiB);

test('onProgress runs in the context of the caller of pump, even of two at once', async () => {
  const seen = { one: new Set<string | undefined>(), two: new Set<string | undefined>() };
  await Promise.all(
    (['one', 'two'] as const).map((name) =>
      storage.run(name, async () => {
        const onProgress = (): void => void seen[name].add(storage.getStore());
        await mill.pump({ from: input, op: copy, to: newPath(), onProgress });
        expect(storage.getStore()).toBe(name);
      }),
    ),
  );
  expect({ one: [...seen.one], two: [...seen.two] }).toEqual({ one: ['one'], two: ['two'] });
});

test('every event of a stream runs in the context of its maker, whoever writes and reads it', async () => {
  const seen = new Map<string, Set<string | undefined>>();
  const stream = storage.run('maker', () => mill.stream(copy));
  for (const event of ['data', 'end', 'finish', 'close', 'drain', 'resume', 'pause']) {
    const stores = new Set<string | undefined>();
    seen.set(event, stores);
    storage.run('listener', () => stream.on(event, () => stores.add(storage.getStore())));
  }
  let read = 0;
  stream.on('data', (piece: Buffer) => {
    read += piece.length;
    if (read === 64 * 1024) {
      stream.pause();
      setImmediate(() => storage.run('reader', () => stream.resume()));
    }
  });
  storage.run('writer', () => Readable.from([input, input]).pipe(stream));
  await until(() => stream.closed);
  expect(read).toBe(2 * input.length);
  expect(Object.fromEntries([...seen].map(([event, stores]) => [event, [...stores]]))).toEqual(
    Object.fromEntries([...seen.keys()].map((event) => [event, ['maker']])),
  );
});

test('the error of a stream that somebody aborts is told in the context of its maker', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const stream = storage.run('maker', () => mill.stream(copy, undefined, { signal }));
  let seen: string | undefined;
  stream.on('error', () => (seen = storage.getStore()));
  storage.run('aborter', () => controller.abort());
  await until(() => stream.closed);
  expect(seen).toBe('maker');
});

test('a target that is destroyed by an abort is told so in the context of the caller of pump', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let seen: string | undefined;
  const to = new Writable({
    write() {},
    destroy(error, callback) {
      seen = storage.getStore();
      callback(error);
    },
  });
  const pumping = storage.run('caller', () =>
    codeOf(mill.pump({ from: input, op: copy, to, signal })),
  );
  await until(() => mill.stats().slices.live > 4);
  storage.run('aborter', () => controller.abort());
  expect(await pumping).toBe('ERR_ABORTED');
  expect(seen).toBe('caller');
});
