import { createMill, type Mill } from '@millrace/workers';
import { describe, expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import { die } from './thread-ops.mjs';
import { expectSound } from './threads.ts';
import { until } from './until.ts';

const some = new Uint8Array([7]);

function deadly(mill: Mill, gate: Gate): Promise<unknown> {
  return mill.run(die, some, { gate: gate.words, how: 'process.exit(1)' });
}

describe('a mill whose threads die one after the other', () => {
  test('gives up at the number that it was told, and says why', async () => {
    await using mill = await createMill({ threads: 2, maxDeathsInARow: 5 });
    const gate = new Gate();
    // Each fails after three deaths: the second of them is one too many.
    expect(await codeOf(deadly(mill, gate))).toBe('ERR_WORKER_DIED');
    expect(mill.stats().health).toBe('ok');
    const error = await failureOf(deadly(mill, gate));
    expect(error.code).toBe('ERR_MILL_UNHEALTHY');
    expect(error.message).toContain('5 of its threads died in a row');
    expect(error.message).toContain('exited with code 1');
    expect(gate.arrived).toBe(5);
    const { health, lastCause, threads, tasks, slices } = mill.stats();
    expect({ health, threads, inFlight: tasks.inFlight, live: slices.live }).toEqual({
      health: 'unhealthy',
      threads: [],
      inFlight: 0,
      live: 0,
    });
    expect(lastCause).toBe(error.cause);
    expectSound(mill, 0);
  });

  test('fails what is in flight, runs or waits, and what comes later', async () => {
    await using mill = await createMill({ threads: 2, maxDeathsInARow: 2 });
    const other = new Gate();
    using slice = mill.buffers.acquire(10);
    const running = [
      codeOf(mill.run(ops.holdInPlace, slice, { gate: other.words })),
      // It does not stand in line behind those that wait below.
      codeOf(
        mill.run(
          die,
          some,
          { gate: new Gate().words, how: 'process.exit(1)' },
          { priority: 'critical' },
        ),
      ),
    ];
    const waiting = Array.from({ length: 100 }, () =>
      codeOf(mill.run(ops.hold, some, { gate: other.words })),
    );
    const codes = new Set(await Promise.all([...running, ...waiting]));
    expect(codes).toEqual(new Set(['ERR_MILL_UNHEALTHY']));
    expect(await codeOf(mill.run(ops.sum, some))).toBe('ERR_MILL_UNHEALTHY');
    expect(slice.live).toBe(true);
  });

  test('recovers its patience with each task that is completed', async () => {
    await using mill = await createMill({ threads: 2, maxDeathsInARow: 4 });
    for (let round = 0; round < 4; round++) {
      expect(await codeOf(deadly(mill, new Gate()))).toBe('ERR_WORKER_DIED');
      expect(await mill.run(ops.sum, some)).toBe(7);
    }
    expect(mill.stats()).toMatchObject({ deaths: 12, health: 'ok' });
  });

  test('does not count those that it has ended itself', async () => {
    await using mill = await createMill({ threads: 2, maxDeathsInARow: 2, graceMs: 1 });
    for (let round = 0; round < 4; round++) {
      const endless = mill.run(
        die,
        some,
        { gate: new Gate().words, how: 'a loop without end' },
        { timeoutMs: 1 },
      );
      expect(await codeOf(endless)).toBe('ERR_TIMEOUT');
    }
    expect(mill.stats()).toMatchObject({ deaths: 4, health: 'ok' });
  });

  test('can be closed in either way, however far it has come', async () => {
    for (const drain of [true, false]) {
      const mill = await createMill({ threads: 2, maxDeathsInARow: 2 });
      const failing = codeOf(deadly(mill, new Gate()));
      await until(() => mill.stats().deaths > 0);
      await mill.close({ drain });
      expect(['ERR_MILL_UNHEALTHY', 'ERR_MILL_CLOSED']).toContain(await failing);
      await mill.close();
      expectSound(mill, 0);
    }
  });
});

test('createMill rejects with the cause when no thread can start', async () => {
  const error = await failureOf(
    createMill({ threads: 2, execArgv: ['--import', 'file:///no/such/module.mjs'] }),
  );
  expect(error.code).toBe('ERR_MILL_UNHEALTHY');
  expect(error.message).toContain('/no/such/module.mjs');
  expect(error.cause).toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' });
});
