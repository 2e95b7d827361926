/**
 * A signal that is aborted in whatever step of a flow's beginning, a step being a promise that is resolved: the ops would
 * go on for ever if they were not told, so that the flow settles only if none was forgotten.
 */
import { createHook } from 'node:async_hooks';
import { PassThrough } from 'node:stream';
import { createMill, type Mill } from '@millrace/workers';
import { afterAll, afterEach, expect, test } from 'vitest';
import { MiB } from './content.ts';
import { codeOf } from './failure.ts';
import { Gate } from './gate.ts';
import { hold } from './ops.mjs';
import { fileOf, newPath } from './temporary.ts';
import * as terms from './terms-ops.mjs';
import { expectSound, whole } from './threads.ts';
import { until } from './until.ts';

const THREADS = 2;
const STEPS = 60;
const mill = await createMill({ threads: THREADS, graceMs: 600_000 });
afterAll(() => mill.close());
afterEach(async () => {
  await whole(mill, THREADS);
  expectSound(mill, THREADS);
  expect(mill.stats().largeOps).toMatchObject({ atWork: 0, waiting: 0 });
});

const bytes = new Uint8Array(MiB);

type Begin = (params: { gate: Int32Array }, signal: AbortSignal, path: string) => Promise<unknown>;

async function inSlice(work: (slice: ReturnType<Mill['buffers']['acquire']>) => Promise<unknown>) {
  using slice = mill.buffers.acquire(MiB);
  return await work(slice);
}

/** Those that need no permit. */
const SMALL = new Set(['a run on nothing', 'outputs']);

const flows: Record<string, Begin> = {
  'a run on nothing': (params, signal) => mill.run(terms.checks, undefined, params, { signal }),
  'a run on bytes': (params, signal) => mill.run(terms.checks, bytes, params, { signal }),
  'a run in chunks': (params, signal) => mill.run(terms.checksChunks, bytes, params, { signal }),
  'a run to a value': (params, signal) => mill.run(terms.checksParts, bytes, params, { signal }),
  'a run in place': (params, signal) => mill.run(terms.checksRanges, bytes, params, { signal }),
  'a run on a slice': (params, signal) =>
    inSlice((slice) => mill.run(terms.checks, slice, params, { signal })),
  'a run on ranges of a slice': (params, signal) =>
    inSlice((slice) => mill.run(terms.checksRanges, slice, params, { signal })),
  'a run on a slice to a value': (params, signal) =>
    inSlice((slice) => mill.run(terms.checksParts, slice, params, { signal })),
  'a run on a slice in chunks': (params, signal) =>
    inSlice((slice) => mill.run(terms.checksChunks, slice, params, { signal })),
  outputs: (params, signal) => mill.run(terms.checksAhead, undefined, params, { signal }).next(),
  'a pump of bytes': (params, signal) =>
    mill.pump({ from: bytes, op: terms.checksChunks, params, to: newPath(), signal }),
  'a pump of a file': (params, signal, path) =>
    mill.pump({ from: path, op: terms.checksChunks, params, to: newPath(), signal }),
  'a pump of a file to a value': (params, signal, path) =>
    mill.pump({ from: path, op: terms.checksParts, params, signal }),
  'a pump to a stream': (params, signal, path) =>
    mill.pump({ from: path, op: terms.checksChunks, params, to: new PassThrough(), signal }),
  'an iterable': (params, signal, path) =>
    mill.iterate(terms.checksChunks, path, params, { signal }).next(),
};

/** A signal that is aborted once so many promises have been resolved, from when it is armed on. */
class SteppedSignal {
  readonly #controller = new AbortController();
  readonly #step: number;
  #steps = 0;
  readonly #hook = createHook({
    promiseResolve: () => {
      if (++this.#steps === this.#step) this.#controller.abort();
    },
  });

  constructor(step: number) {
    this.#step = step;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  arm(): void {
    this.#hook.enable();
  }

  async aborted(): Promise<void> {
    await until(() => this.signal.aborted);
    this.#hook.disable();
  }
}

test.each(Object.entries(flows))('%s ends when it is aborted as it begins', async (_, begin) => {
  const path = fileOf(bytes);
  for (let step = 1; step <= STEPS; step++) {
    const gate = new Gate();
    const stepped = new SteppedSignal(step);
    stepped.arm();
    const outcome = codeOf(begin({ gate: gate.words }, stepped.signal, path));
    await stepped.aborted();
    expect(await outcome).toBe('ERR_ABORTED');
  }
});

const large = Object.entries(flows).filter(([name]) => !SMALL.has(name));

test.each(large)('%s ends when it is aborted as its permit comes', async (_, begin) => {
  const path = fileOf(bytes);
  using slice = mill.buffers.acquire(MiB);
  for (let step = 1; step <= STEPS; step++) {
    const gate = new Gate();
    const params = { gate: gate.words };
    const others = Array.from({ length: THREADS }, () => mill.run(hold, slice, params));
    await gate.reached(THREADS);
    const stepped = new SteppedSignal(step);
    const outcome = codeOf(begin(params, stepped.signal, path));
    await until(() => mill.stats().largeOps.waiting === 1);
    stepped.arm();
    gate.open();
    await Promise.all(others);
    await stepped.aborted();
    expect(await outcome).toBe('ERR_ABORTED');
  }
});
