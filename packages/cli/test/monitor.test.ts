/** A monitor that a mill is given: the program of docs/observe.md, and what becomes of threads that come and go. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createMill } from 'millrace';
import { BufferMonitor } from 'millrace/observe';
import { expect, onTestFinished, test } from 'vitest';
import { heldHere, use, useUntilEnded } from './monitored-ops.mjs';

const packages = fileURLToPath(new URL('../../', import.meta.url));
const some = new Uint8Array(1000);

test('the program of a mill in docs/observe.md prints what it says there', async () => {
  const page = await readFile(join(packages, '../docs/observe.md'), 'utf8');
  const [, section = ''] = page.split('## In a mill');
  const folder = await mkdtemp(join(tmpdir(), 'millrace-page-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [, name = '', code = ''] of section.matchAll(/```js\n\/\/ (\S+)\n(.*?)```/gs)) {
    await writeFile(join(folder, name), code);
  }
  await mkdir(join(folder, 'node_modules/@millrace'), { recursive: true });
  await symlink(join(packages, 'cli'), join(folder, 'node_modules/millrace'));
  await symlink(join(packages, 'core'), join(folder, 'node_modules/@millrace/core'));
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'mill.mjs')]);
  const [, promised] = /It prints\n\n```\n(.*?)```/s.exec(section) ?? [];
  expect(stdout).toBe(promised);
});

/** A monitor whose intervals end when they are told to. */
function byHand() {
  let nowMs = 0;
  const monitor = new BufferMonitor({ pollMs: 2 ** 30, nowMs: () => nowMs, sampleEvery: 1 });
  onTestFinished(() => monitor.close());
  monitor.start();
  const small = () => {
    nowMs += 1000;
    monitor.poll();
    return monitor.lastSample!.classes.small;
  };
  return { monitor, small };
}

test('the managers of all threads of a mill are heard, and add up', async () => {
  const { monitor, small } = byHand();
  await using mill = await createMill({ threads: 2, monitor });
  for (let n = 0; n < 50; n++) await mill.run(use, some);
  const threads = await mill.run(heldHere, some);
  expect(threads).toBe(1); // It has its own manager, beside that of the other op, in the same thread.
  const { retrieved, returned, inUse } = small();
  expect([retrieved, returned, inUse]).toEqual([51, 50, 1]);
  expect(monitor.stats().threads).toBeGreaterThanOrEqual(1);
});

test('a mill whose threads are ended under load leaves a monitor that hears of none', async () => {
  const { monitor, small } = byHand();
  const mill = await createMill({ threads: 2, monitor, graceMs: 1, maxDeathsInARow: 1000 });
  for (let round = 0; round < 5; round++) {
    const signals = [1, 2].map(() => new AbortController());
    const words = new Int32Array(new SharedArrayBuffer(4));
    const ended = signals.map(({ signal }) => mill.run(useUntilEnded, some, { words }, { signal }));
    const settled = Promise.allSettled(ended);
    while (Atomics.load(words, 0) < 2) {
      monitor.poll();
      await new Promise((resolve) => setImmediate(resolve));
    }
    small();
    for (const controller of signals) controller.abort();
    for (const { status } of await settled) expect(status).toBe('rejected');
  }
  await mill.close();
  expect(small()).toMatchObject({ inUse: 0, pools: 0 });
  const { threads, written, read, dropped, pending } = monitor.stats();
  expect(threads).toBe(0);
  expect(pending).toBe(0);
  expect(written).toBeGreaterThan(0);
  expect(read + dropped).toBe(written);
  expect(mill.buffers.stats().slices.live).toBe(0);

  // It may be another's now.
  await using next = await createMill({ threads: 1, monitor });
  await next.run(use, some);
  expect(small()).toMatchObject({ retrieved: 1 });
});

test('one monitor cannot hear two mills at one time', async () => {
  const { monitor } = byHand();
  await using mill = await createMill({ threads: 1, monitor });
  await mill.run(use, some);
  monitor.poll();
  await expect(createMill({ threads: 1, monitor })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARG',
  });
});

test('a thread of a mill without a monitor has none', async () => {
  await using mill = await createMill({ threads: 1 });
  expect(await mill.run(use, some)).toBe(1000);
});
