import { MillraceError, createMill, defineOp, type MillOptions } from '@millrace/workers';
import { workersOf } from '@millrace/workers/internal';
import { gzip } from '@millrace/workers/ops';
import { describe, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import { hold, holdAsync, sum } from './ops.mjs';
import { runScript } from './programs.ts';
import { newPath } from './temporary.ts';

const some = new Uint8Array([7]);

describe('createMill', () => {
  test.each([0, -1, 121, 1.5, Number.NaN, Infinity, '2', null])(
    'refuses %o threads and names the setting',
    async (threads) => {
      const error = await failureOf(createMill({ threads } as unknown as MillOptions));
      expect(error.code).toBe('ERR_INVALID_ARG');
      expect(error.message).toContain('"threads"');
      expect(error.message).toContain(String(threads));
    },
  );

  test.each([0, -1, 4 * MiB - 1, 1e6 + 0.5, 2 ** 60, Number.NaN, Infinity, '1G', null])(
    'refuses %o bytes of memory and names the setting',
    async (memory) => {
      const error = await failureOf(createMill({ threads: 1, memory } as unknown as MillOptions));
      expect(error.code).toBe('ERR_INVALID_ARG');
      expect(error.message).toContain('"memory"');
      expect(error.message).toContain(String(memory));
    },
  );

  test('has defaults for everything', async () => {
    await using mill = await createMill();
    expect(mill.stats()).toMatchObject({
      tasks: { submitted: 0, completed: 0, failed: 0, rerun: 0, inFlight: 0, run: 0 },
      deaths: 0,
      bytes: { in: 0, out: 0 },
      memory: { limit: 256 * MiB, open: 0, arena: { kind: 'wasm' } },
      slices: { leased: 0, returned: 0, swept: 0, live: 0 },
    });
    expect(mill.stats().threads.length).toBeGreaterThan(0);
    expect(mill.stats().threads).toHaveLength(workersOf(mill).length);
  });

  test('gives as many threads as it is asked for, and all of them work', async () => {
    for (const threads of [1, 5, 12]) {
      await using mill = await createMill({ threads });
      const gate = new Gate();
      const tasks = Array.from({ length: threads }, () =>
        mill.run(hold, some, { gate: gate.words }),
      );
      await gate.reached(threads);
      gate.open();
      expect(await Promise.all(tasks)).toEqual(tasks.map(() => 7));
      const ids = mill.stats().threads.map(({ id }) => id);
      expect(new Set(ids).size).toBe(threads);
    }
  });

  test('can be had several times in one process, each with its own memory and threads', async () => {
    await using one = await createMill({ threads: 1, memory: 8 * MiB });
    await using two = await createMill({ threads: 2, memory: 12 * MiB });
    const input = noise(3 * MiB);
    const [first, second] = await Promise.all([one.run(gzip, input), two.run(gzip, input)]);
    expect(Buffer.compare(first, second)).toBe(0);
    expect(one.stats()).toMatchObject({ memory: { limit: 8 * MiB }, tasks: { completed: 14 } });
    expect(two.stats()).toMatchObject({ memory: { limit: 12 * MiB }, tasks: { completed: 14 } });
    await one.close();
    expect(await two.run(sum, some)).toBe(7);
  });
});

describe('close', () => {
  test.each([hold, holdAsync])(
    'waits for tasks in flight and for those that wait ($name)',
    async (op) => {
      const mill = await createMill({ threads: 2 });
      const gate = new Gate();
      const tasks = Array.from({ length: 5000 }, () => mill.run(op, some, { gate: gate.words }));
      await gate.reached(2);
      let closed = false;
      const closing = mill.close().finally(() => (closed = true));
      await new Promise(setImmediate);
      expect(closed).toBe(false);
      gate.open();
      expect(new Set(await Promise.all(tasks))).toEqual(new Set([7]));
      await closing;
      expect(mill.stats()).toMatchObject({
        threads: [],
        slices: { live: 0 },
        tasks: { inFlight: 0 },
      });
    },
  );

  test('lets nothing in any more, from the moment it is called', async () => {
    const mill = await createMill({ threads: 1 });
    const gate = new Gate();
    const task = mill.run(hold, some, { gate: gate.words });
    await gate.reached(1);
    const closing = mill.close();
    const late = [
      codeOf(mill.run(sum, some)),
      codeOf(mill.run(gzip, some)),
      codeOf(mill.pump({ from: some, op: gzip, to: newPath() })),
    ];
    expect(await Promise.all(late)).toEqual(late.map(() => 'ERR_MILL_CLOSED'));
    gate.open();
    expect(await task).toBe(7);
    await closing;
    expect(await codeOf(mill.run(sum, some))).toBe('ERR_MILL_CLOSED');
    expect(mill.stats().slices.live).toBe(0);
  });

  test('may be called again, at the same time or later', async () => {
    const mill = await createMill({ threads: 2 });
    const gate = new Gate();
    const task = mill.run(hold, some, { gate: gate.words });
    await gate.reached(1);
    const closing = [mill.close(), mill.close()];
    gate.open();
    await Promise.all(closing);
    await mill.close();
    expect(await task).toBe(7);
  });

  test('leaves slices readable that the user still holds', async () => {
    const mill = await createMill({ threads: 1 });
    const slice = mill.buffers.acquire(10);
    slice.bytes.fill(9);
    await mill.close();
    expect(slice.bytes[9]).toBe(9);
    slice.release();
    expect(mill.stats().slices.live).toBe(0);
  });

  test('leaves nothing of a mill in memory, however it was used', async () => {
    expect(await runScript('closed-mills.mjs')).toEqual({
      exitCode: 0,
      stdout: '0\n',
      stderr: '',
    });
  });

  test('is what `await using` calls at the end of its block', async () => {
    let escaped;
    {
      await using mill = await createMill({ threads: 1 });
      expect(await mill.run(sum, some)).toBe(7);
      escaped = mill;
    }
    expect(escaped.stats().threads).toEqual([]);
    expect(await codeOf(escaped.run(sum, some))).toBe('ERR_MILL_CLOSED');
  });
});

describe('the process', () => {
  test('ends by itself, and not before the task is done, though the mill is not closed', async () => {
    const { exitCode, stdout, stderr } = await runScript('one-task.mjs');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe('begun\nresult 7\n');
  });

  test('ends at once when there has been no task', async () => {
    expect(await runScript('one-task.mjs', 'none')).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });

  test('goes on for the task of one mill, though that of another is done', async () => {
    expect(await runScript('one-task.mjs', 'beside')).toEqual({
      exitCode: 0,
      stdout: 'begun\nresult 7\n',
      stderr: '',
    });
  });

  test('goes on after a thread has died under the last task, until that is done', async () => {
    expect(await runScript('one-task.mjs', 'dying')).toEqual({
      exitCode: 0,
      stdout: 'begun\nresult 7\n',
      stderr: '',
    });
  });

  test('may end while threads are starting, at any moment', async () => {
    // The others start some time after the first.
    for (const ms of [0, 5, 20, 50, 55, 60, 70, 90]) {
      expect(await runScript('starting.mjs', String(ms))).toEqual({
        exitCode: 0,
        stdout: 'ends\n',
        stderr: '',
      });
    }
  });

  test('uses less than 1 % of a core while its mill is idle', async () => {
    const { exitCode, stdout } = await runScript('idle-mill.mjs');
    expect(exitCode).toBe(0);
    expect(Number(stdout)).toBeLessThan(0.01);
  });
});

describe('defineOp', () => {
  test.each([undefined, null, '', './ops.mjs', '/ops.mjs', 7])(
    'refuses %o as the address of a module',
    (url) => {
      expect(() => defineOp(url as string, 'x', { run: () => 1 })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG' }) as MillraceError,
      );
    },
  );

  test('refuses an op without a name or a function', () => {
    for (const [name, run] of [
      ['', () => 1],
      [undefined, () => 1],
      ['x', undefined],
      ['x', 7],
    ]) {
      expect(() => defineOp(import.meta.url, name as string, { run: run as () => number })).toThrow(
        MillraceError,
      );
    }
  });
});
