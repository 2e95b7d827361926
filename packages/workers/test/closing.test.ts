import { once } from 'node:events';
import { dirname } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { createMill, type Mill } from '@millrace/workers';
import { crc32, gzip } from '@millrace/workers/ops';
import { describe, expect, test } from 'vitest';
import { MiB, text } from './content.ts';
import { codeOf } from './failure.ts';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import { namesIn, newPath } from './temporary.ts';
import { die } from './thread-ops.mjs';
import { expectSound, killAll } from './threads.ts';
import { until } from './until.ts';

const some = new Uint8Array([7]);

/** What holds once `close` has resolved, however it came to that. */
function expectClosed(mill: Mill): void {
  expect(mill.stats()).toMatchObject({ threads: [], tasks: { inFlight: 0 }, slices: { live: 0 } });
  expectSound(mill, 0);
}

const closeAtOnce = (mill: Mill): Promise<void> => mill.close({ drain: false });

/** Has its threads die until it gives up: a chunk that is done in between is a sign of health. */
async function fallIll(mill: Mill): Promise<void> {
  const gate = new Gate();
  while (mill.stats().health === 'ok') {
    await codeOf(mill.run(die, some, { gate: gate.words, how: 'process.exit(1)' }));
  }
}

/** Flows whose source gives nothing, or whose target takes nothing; each with the code of its error. */
function stalledFlows(mill: Mill): { flows: Record<string, Promise<unknown>>; folder: string } {
  const to = newPath();
  const silent = (): PassThrough => new PassThrough();
  const deaf = (): Writable => new Writable({ write: () => {} });
  const stream = mill.stream(ops.invertChunks);
  const { readable, writable } = mill.web(ops.invertChunks);
  const writer = writable.getWriter();
  void writer.write(some).catch(() => {});
  void writer.closed.catch(() => {});
  return {
    folder: dirname(to),
    flows: {
      'pump from': codeOf(mill.pump({ from: silent(), op: ops.invertChunks, to })),
      'pump to': codeOf(mill.pump({ from: text(3 * MiB), op: ops.invertChunks, to: deaf() })),
      'pump to a value': codeOf(mill.pump({ from: silent(), op: crc32 })),
      'plain pump from': codeOf(mill.pump({ from: silent(), to: `${to}-plain` })),
      'plain pump to': codeOf(mill.pump({ from: text(3 * MiB), to: deaf() })),
      iterate: codeOf(mill.iterate(ops.invertChunks, silent()).next()),
      stream: codeOf(once(stream, 'close')),
      web: codeOf(readable.getReader().read()),
    },
  };
}

describe('close without draining', () => {
  test('fails what runs and what waits with ERR_MILL_CLOSED, and waits for no op', async () => {
    const mill = await createMill({ threads: 2 });
    const gate = new Gate();
    const params = { gate: gate.words };
    const all = [ops.hold, ops.holdAsync, ops.hold].map((op) => codeOf(mill.run(op, some, params)));
    all.push(codeOf(mill.run(ops.holdInPlace, some, params)));
    await gate.reached(2);
    // More than there are cells.
    for (let i = 0; i < 5000; i++) all.push(codeOf(mill.run(ops.sum, some)));
    await mill.close({ drain: false });
    expect(new Set(await Promise.all(all))).toEqual(new Set(['ERR_MILL_CLOSED']));
    expect(await codeOf(mill.run(ops.sum, some))).toBe('ERR_MILL_CLOSED');
    expectClosed(mill);
  });

  test('ends loops without end, while nobody waits for them', async () => {
    const mill = await createMill({ threads: 1 });
    const gate = new Gate();
    const params = { gate: gate.words };
    const held = codeOf(mill.run(ops.hold, some, params));
    await gate.reached(1);
    await Promise.all([mill.close({ drain: false }), mill.close(), mill.close({ drain: false })]);
    expect(await held).toBe('ERR_MILL_CLOSED');
    expectClosed(mill);
  });

  test('cuts a close short that waits for the tasks in flight', async () => {
    const mill = await createMill({ threads: 2 });
    const gate = new Gate();
    const held = codeOf(mill.run(ops.hold, some, { gate: gate.words }));
    await gate.reached(1);
    const closing = mill.close();
    await mill.close({ drain: false });
    await closing;
    expect(await held).toBe('ERR_MILL_CLOSED');
    expectClosed(mill);
  });

  test('stops flows, which leave nothing behind', async () => {
    const mill = await createMill({ threads: 2 });
    const to = newPath();
    const gate = new Gate();
    // One chunk, at which one of the threads stays.
    const held = codeOf(mill.pump({ from: some, op: ops.copy, params: { gate: gate.words }, to }));
    await gate.reached(1);
    const other = codeOf(mill.run(gzip, text(8 * MiB)));
    await until(() => mill.stats().tasks.completed > 0);
    await mill.close({ drain: false });
    expect([await held, await other]).toEqual(['ERR_MILL_CLOSED', 'ERR_MILL_CLOSED']);
    expect(namesIn(dirname(to))).toEqual([]);
    expectClosed(mill);
  });

  test('fails what flows submit meanwhile, once', async () => {
    const mill = await createMill({ threads: 2 });
    const gate = new Gate();
    const flow = codeOf(mill.run(ops.copySome, text(8 * MiB), { gate: gate.words }));
    await gate.reached(2);
    // Two chunks, which makes room for two others; this thread sees it when it has begun to close.
    gate.letThrough(2);
    const deadline = performance.now() + 10_000;
    while (gate.arrived < 4 && performance.now() < deadline);
    await mill.close({ drain: false });
    expect(await flow).toBe('ERR_MILL_CLOSED');
    expectClosed(mill);
  });

  test('fails the ranges of a slice that wait for a cell, once', async () => {
    const mill = await createMill({ threads: 2 });
    const gate = new Gate();
    const params = { gate: gate.words };
    const others = Array.from({ length: 5000 }, () => codeOf(mill.run(ops.hold, some, params)));
    const slice = mill.buffers.acquire(MiB);
    const ranges = codeOf(mill.run(ops.invertChunks, slice));
    await gate.reached(2);
    await mill.close({ drain: false });
    expect(new Set(await Promise.all([...others, ranges]))).toEqual(new Set(['ERR_MILL_CLOSED']));
    slice.release();
    expectClosed(mill);
  });

  test('stops flows that wait for their source or their target, and would for ever', async () => {
    for (const close of [closeAtOnce, fallIll]) {
      const mill = await createMill({ threads: 2, maxDeathsInARow: 2 });
      const stalled = stalledFlows(mill);
      // Each has what it needs, and is where it waits.
      await until(() => mill.stats().slices.live >= 4);
      await close(mill);
      for (const [name, flow] of Object.entries(stalled.flows)) {
        expect([name, await flow]).toEqual([
          name,
          mill.stats().health === 'ok' ? 'ERR_MILL_CLOSED' : 'ERR_MILL_UNHEALTHY',
        ]);
      }
      expect(namesIn(stalled.folder)).toEqual([]);
      await mill.close();
      expectClosed(mill);
    }
  });

  test('settles while threads die, leave and start', async () => {
    for (let round = 0; round < 6; round++) {
      const mill = await createMill({ threads: 3, recycle: { afterTasks: 2 } });
      const tasks = Array.from({ length: 50 }, () => mill.run(ops.sum, some).catch(() => 'failed'));
      if (round % 2) void killAll(mill);
      await mill.close({ drain: round % 3 === 0 });
      for (const outcome of await Promise.all(tasks)) expect([7, 'failed']).toContain(outcome);
      expectClosed(mill);
    }
  });
});

describe('close', () => {
  test('settles though it is called while threads are starting', async () => {
    const mill = await createMill({ threads: 6 });
    await mill.close();
    expectClosed(mill);
    const lazy = await createMill({ threads: 2, minThreads: 0 });
    const task = lazy.run(ops.sum, some);
    const closing = lazy.close();
    expect(await task).toBe(7);
    await closing;
    expectClosed(lazy);
  });

  test('lets no flow begin, not even one that needs no thread', async () => {
    const mill = await createMill({ threads: 1 });
    await mill.close();
    const { flows, folder } = stalledFlows(mill);
    for (const [name, flow] of Object.entries(flows)) {
      expect([name, await flow]).toEqual([name, 'ERR_MILL_CLOSED']);
    }
    expect(namesIn(folder)).toEqual([]);
    expectClosed(mill);
  });

  test('lets threads end by themselves: what they run when they exit is run', async () => {
    const mill = await createMill({ threads: 1 });
    const gate = new Gate();
    expect(await mill.run(ops.sum, some)).toBe(7);
    const ended = mill.run(ops.countExit, some, { gate: gate.words });
    await ended;
    await mill.close();
    expect(gate.arrived).toBe(1);
    expect(mill.stats().deaths).toBe(0);
  });
});
