import { createMill, type Mill } from '@millrace/workers';
import { expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import { whole } from './threads.ts';
import { until } from './until.ts';
import { imported } from './warm-ops.mjs';

const THREADS = 2;
const some = new Uint8Array([7]);
const missing = new URL('no-such-module.mjs', import.meta.url).href;

/** How long before `since` each thread had imported the module; negative for one that did so after it. */
async function leads(mill: Mill, since: number): Promise<number[]> {
  const gate = new Gate();
  const runs = Array.from({ length: THREADS }, () =>
    mill.run(imported, some, { gate: gate.words }),
  );
  await gate.reached(THREADS);
  const sinceMs = performance.now() - since;
  gate.open();
  const all = await Promise.all(runs);
  expect(new Set(all.map(({ threadId }) => threadId)).size).toBe(THREADS);
  return all.map(({ agoMs }) => agoMs - sinceMs);
}

test('every thread has imported the module when warmUp resolves, those that were starting too', async () => {
  await using mill = await createMill({ threads: THREADS });
  await mill.warmUp(imported, ops.sum);
  const since = performance.now();
  expect(mill.stats().threads).toHaveLength(THREADS);
  for (const lead of await leads(mill, since)) expect(lead).toBeGreaterThan(0);
});

test('a thread that is busy imports it when its task has ended', async () => {
  await using mill = await createMill({ threads: THREADS });
  await whole(mill, THREADS);
  const gate = new Gate();
  const held = mill.run(ops.hold, some, { gate: gate.words });
  await gate.reached(1);
  let warm = false;
  const warming = mill.warmUp(imported).then(() => (warm = true));
  for (let i = 0; i < 50; i++) await mill.run(ops.sum, some);
  expect(warm).toBe(false);
  gate.open();
  await warming;
  expect(await held).toBe(7);
});

test('threads that come later import it before their first task', async () => {
  await using mill = await createMill({ threads: THREADS, recycle: { afterTasks: 1 } });
  await mill.warmUp(imported);
  await whole(mill, THREADS);
  await Promise.all(Array.from({ length: THREADS }, () => mill.run(ops.sum, some)));
  await until(() => mill.stats().recycled === THREADS);
  await whole(mill, THREADS);
  // What they were welcomed with is done before this.
  await mill.warmUp(ops.sum);
  for (const lead of await leads(mill, performance.now())) expect(lead).toBeGreaterThan(0);
});

test('it rejects when a module cannot be imported or has no such op, and threads that come later start all the same', async () => {
  await using mill = await createMill({ threads: THREADS });
  const error = await failureOf(mill.warmUp({ url: missing, name: 'x' }));
  expect(error.code).toBe('ERR_OP_LOAD');
  expect(error.message).toContain(missing);
  expect(await codeOf(mill.warmUp({ url: imported.url, name: 'notAnOp' }))).toBe('ERR_OP_LOAD');
  await mill.warmUp(imported);
  expect(await mill.run(ops.sum, some)).toBe(7);
});

test('it refuses what is no op, and rejects when the mill is closed', async () => {
  const mill = await createMill({ threads: 1 });
  expect(await codeOf(mill.warmUp(7 as never))).toBe('ERR_INVALID_ARG');
  expect(await codeOf(mill.warmUp(undefined as never))).toBe('ERR_INVALID_ARG');
  const warming = mill.warmUp(ops.sum);
  await mill.close();
  await warming;
  expect(await codeOf(mill.warmUp(ops.sum))).toBe('ERR_MILL_CLOSED');
});
