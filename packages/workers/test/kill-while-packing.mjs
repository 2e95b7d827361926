/**
 * Packs a file again and again, and kills a thread each time at a random moment. Prints a dot for each
 * right output. A script of its own, since Node.js may abort: see kills.test.ts.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMill } from '@millrace/workers';
import { workersOf } from '@millrace/workers/internal';
import { gzip } from '@millrace/workers/ops';

const THREADS = 2;
const rounds = Number(process.argv[2]);

const dir = mkdtempSync(join(tmpdir(), 'millrace-kills-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const from = join(dir, 'input');
const to = join(dir, 'output');
writeFileSync(from, readFileSync(process.execPath).subarray(0, 5 * 2 ** 20));

const mill = await createMill({ threads: THREADS });
const pack = () => mill.pump({ from, op: gzip, params: { level: 1 }, to });
await pack();
const expected = readFileSync(to);
const { elapsedMs } = await pack();

for (let round = 0; round < rounds; round++) {
  const moment = Math.random() * elapsedMs;
  const packing = pack();
  await new Promise((resolve) => setTimeout(resolve, moment));
  await workersOf(mill)[round % THREADS].terminate();
  await packing;
  if (!readFileSync(to).equals(expected)) throw new Error(`Wrong when killed after ${moment} ms`);
  process.stdout.write('.');
  while (mill.stats().threads.length < THREADS)
    await new Promise((resolve) => setTimeout(resolve, 1));
}

const { deaths, slices, tasks } = mill.stats();
const { alive, dead } = mill.buffers.registry.stats();
const sound =
  deaths === rounds &&
  slices.live === 0 &&
  tasks.inFlight === 0 &&
  alive.length === THREADS + 1 &&
  dead.length === 0;
if (!sound) throw new Error(`Something is left: ${JSON.stringify(mill.stats())}`);
await mill.close();
