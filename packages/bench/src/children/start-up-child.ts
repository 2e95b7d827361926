/**
 * A process that starts threads, has them do one small task, and then just ends: nothing is closed.
 *
 *   node start-up-child.js millrace | piscina     ──▶ one line of JSON on standard output
 */
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { createMill } from '@millrace/workers';
import { length } from '../peers/length-op.js';

/** What it prints. */
export interface StartUpChildReport {
  /** From the call that starts the threads to the first result. */
  readonly firstResultMs: number;
  /** When that was, by a clock that all processes share, in nanoseconds. */
  readonly firstResultAtNs: string;
}

const THREADS = 2;

async function onMill(): Promise<unknown> {
  const mill = await createMill({ threads: THREADS });
  return mill.run(length);
}

function onPiscina(): Promise<unknown> {
  const piscina = new Piscina({
    filename: fileURLToPath(new URL('../peers/length-worker.js', import.meta.url)),
    name: 'length',
    minThreads: THREADS,
    maxThreads: THREADS,
  });
  return piscina.run(undefined);
}

const startedAt = performance.now();
const result = await (process.argv[2] === 'millrace' ? onMill() : onPiscina());
const firstResultMs = performance.now() - startedAt;
const firstResultAtNs = String(process.hrtime.bigint());
if (result !== 0) throw new Error(`The length of nothing came out as ${String(result)}`);
const report: StartUpChildReport = { firstResultMs, firstResultAtNs };
writeSync(1, `${JSON.stringify(report)}\n`);
