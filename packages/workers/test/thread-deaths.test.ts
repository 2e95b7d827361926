import { createMill, type Mill } from '@millrace/workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import { die, type Death } from './thread-ops.mjs';
import { expectSound, killAll, whole } from './threads.ts';

const THREADS = 2;
const some = new Uint8Array([7]);
let mill: Mill;

beforeEach(async () => {
  mill = await createMill({
    threads: THREADS,
    graceMs: 10,
    resourceLimits: { maxOldGenerationSizeMb: 32 },
  });
  await whole(mill, THREADS);
});

/** Whatever has died: all threads are there, they work, and nothing is held by the dead. */
afterEach(async () => {
  await whole(mill, THREADS);
  const gate = new Gate();
  const held = Array.from({ length: THREADS }, () =>
    mill.run(ops.hold, some, { gate: gate.words }),
  );
  await gate.reached(THREADS);
  gate.open();
  await Promise.all(held);
  expect(mill.stats().health).toBe('ok');
  expectSound(mill, THREADS);
  await mill.close();
});

const deaths: Death[] = [
  'process.exit(0)',
  'process.exit(1)',
  'an error outside of it',
  'a rejection that nobody handles',
  'all of its heap used',
];

describe.each(deaths)('a thread that dies of %s', (how) => {
  test('over a task is replaced; the task fails when it has killed three, with the cause', async () => {
    const gate = new Gate();
    const error = await failureOf(mill.run(die, some, { gate: gate.words, how }));
    expect(error.code).toBe('ERR_WORKER_DIED');
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.message).toContain((error.cause as Error).message);
    expect(gate.arrived).toBe(3);
    // What it had leased was swept.
    expect(mill.stats().deaths).toBe(3);
    expect(mill.stats().slices.swept).toBeGreaterThanOrEqual(12);
  });

  test('fails only its own task: the other thread goes on with its work', async () => {
    const busy = new Gate();
    const held = mill.run(ops.hold, some, { gate: busy.words });
    await busy.reached(1);
    const dying = codeOf(mill.run(die, some, { gate: new Gate().words, how }));
    const others = Array.from({ length: 200 }, () => mill.run(ops.sum, some));
    expect(await Promise.all(others)).toEqual(others.map(() => 7));
    expect(await dying).toBe('ERR_WORKER_DIED');
    busy.open();
    expect(await held).toBe(7);
    expect(busy.arrived).toBe(1);
  });

  test('takes the asynchronous tasks along that it was at, and they run again', async () => {
    const gate = new Gate();
    const held = Array.from({ length: 10 }, () =>
      mill.run(ops.holdAsync, some, { gate: gate.words }),
    );
    await gate.reached(10);
    const dying = codeOf(mill.run(die, some, { gate: new Gate().words, how }));
    expect(await dying).toBe('ERR_WORKER_DIED');
    gate.open();
    // Those that met it three times fail with it.
    for (const outcome of await Promise.allSettled(held)) {
      if (outcome.status === 'fulfilled') expect(outcome.value).toBe(7);
      else expect(outcome.reason).toMatchObject({ code: 'ERR_WORKER_DIED' });
    }
  });
});

test('a loop without end is ended with its thread when its time is out', async () => {
  const gate = new Gate();
  const params = { gate: gate.words, how: 'a loop without end' } as const;
  expect(await codeOf(mill.run(die, some, params, { timeoutMs: 500 }))).toBe('ERR_TIMEOUT');
  const endings = new AbortController();
  const aborted = codeOf(mill.run(die, some, params, { signal: endings.signal }));
  await gate.reached(2);
  endings.abort();
  expect(await aborted).toBe('ERR_ABORTED');
  expect(gate.arrived).toBe(2);
  await whole(mill, THREADS);
  expect(mill.stats()).toMatchObject({ deaths: 2, tasks: { rerun: 0, failed: 2 } });
});

test('threads that end while others start in place of their like are replaced too', async () => {
  for (let round = 0; round < 5; round++) {
    const gate = new Gate();
    const params = { gate: gate.words, how: 'process.exit(0)' } as const;
    const dying = [codeOf(mill.run(die, some, params)), codeOf(mill.run(die, some, params))];
    await gate.reached(1);
    await killAll(mill);
    expect(await Promise.all(dying)).toEqual(['ERR_WORKER_DIED', 'ERR_WORKER_DIED']);
    expect(await mill.run(ops.sum, some)).toBe(7);
  }
});
