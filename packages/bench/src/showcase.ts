/**
 * What `npm start` shows: the main job, on a file that every machine has, beside what Node offers for it.
 *
 *   node showcase.js [file]      by default Node's own program, some 100 MB
 *
 * It ends with 0 only if the output was verified and every slice came back.
 */
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createMill, type MillStats } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { verifyGzip } from './measure/compare.js';
import { idleLoopDelay, withLoopDelay, type LoopDelay } from './measure/loop-delay.js';
import { othersPercent, warningOf } from './measure/machine.js';
import { peakMemoryBytes } from './measure/peak-memory.js';
import { TempFolder } from './measure/temp-folder.js';
import { bytesText, count, digits, duration, quantity, table } from './measure/text.js';
import { gzipPipeline } from './peers/gzip-pipeline.js';

const MiB = 2 ** 20;
const LEVEL = 6;
const IDLE_MS = 500;

interface Run {
  readonly threads: number;
  readonly elapsedMs: number;
  readonly bytesOut: number;
  readonly delay: LoopDelay;
}

interface Milled extends Run {
  readonly idle: LoopDelay;
  readonly peakBytes: number;
  readonly slices: MillStats['slices'];
}

try {
  await show(process.argv[2] ?? process.execPath);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function show(file: string): Promise<void> {
  const stats = statSync(file);
  if (!stats.isFile()) throw new Error(`Cannot show ${file} as it is not a regular file`);
  const bytesIn = stats.size;
  using folder = new TempFolder();
  const ours = folder.file('mill.gz');
  const theirs = folder.file('pipeline.gz');

  const warning = warningOf(await othersPercent());
  // Once before, so that nobody's time contains the disk's.
  await step(`reading ${file}`, () => readThrough(file));
  // First, so that the peak of memory is the mill's own.
  const milled = await step(`compressing ${file} with the mill`, () => mill(file, ours));
  const piped = await step('the same with pipeline(createGzip)', () => pipe(file, theirs));
  await step('decompressing and comparing every byte', () => verify(ours, file));

  const lines = report(file, bytesIn, milled, piped);
  if (warning) lines.push(`  ${warning}`);
  process.stdout.write(`\n${lines.join('\n')}\n\n`);
  const { live } = milled.slices;
  if (live !== 0) throw new Error(`Slices that were not returned: ${live}`);
}

async function readThrough(path: string): Promise<void> {
  const handle = await open(path);
  try {
    const buffer = Buffer.alloc(MiB);
    while ((await handle.read(buffer, 0, MiB, null)).bytesRead > 0);
  } finally {
    await handle.close();
  }
}

async function mill(from: string, to: string): Promise<Milled> {
  await using runtime = await createMill();
  const idle = await idleLoopDelay(IDLE_MS);
  const { result, delay, elapsedMs } = await withLoopDelay(() =>
    runtime.pump({ from, op: gzip, params: { level: LEVEL }, to }),
  );
  const { threads, bytesOut } = result;
  const { slices } = runtime.stats();
  return { threads, elapsedMs, bytesOut, delay, idle, slices, peakBytes: peakMemoryBytes() };
}

async function pipe(from: string, to: string): Promise<Run> {
  const { elapsedMs, delay } = await withLoopDelay(() => gzipPipeline(from, to, LEVEL));
  return { threads: 1, elapsedMs, bytesOut: statSync(to).size, delay };
}

async function verify(compressed: string, original: string): Promise<void> {
  try {
    await verifyGzip(compressed, original);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`The output is not what was compressed: ${reason}`, { cause });
  }
}

function report(file: string, bytesIn: number, milled: Milled, piped: Run): string[] {
  const both = (what: string, tell: (run: Run) => string): string[] => [
    what,
    tell(milled),
    tell(piped),
  ];
  const { leased, returned } = milled.slices;
  const speed = (run: Run): string => quantity(bytesIn / 1000 / run.elapsedMs, 'MB/s');
  const lines = table([
    [`gzip level ${LEVEL}`, 'millrace', 'createGzip'],
    [],
    both('threads', ({ threads }) => String(threads)),
    both('size in', () => bytesText(bytesIn)),
    both('size out', ({ bytesOut }) => bytesText(bytesOut)),
    both('time', ({ elapsedMs }) => duration(elapsedMs)),
    both('speed', speed),
    both('event-loop delay, p99', ({ delay }) => quantity(delay.p99Ms, 'ms')),
    ['  the same when idle', quantity(milled.idle.p99Ms, 'ms')],
    ['peak memory', bytesText(milled.peakBytes)],
    ['slices leased', count(leased)],
    ['slices returned', count(returned)],
  ]);
  const ratio = digits(piped.elapsedMs / milled.elapsedMs);
  return [
    `  ${file}`,
    '',
    ...lines.map((line) => line && `  ${line}`),
    '',
    `  millrace is ${ratio} times as fast as pipeline(createGzip).`,
    "  Node's own gunzip gives back every byte.",
  ];
}

/** Tells a person at a terminal what takes so long. */
async function step<R>(what: string, work: () => Promise<R>): Promise<R> {
  const startedAt = performance.now();
  if (process.stderr.isTTY) process.stderr.write(`${what} … `);
  const result = await work();
  if (process.stderr.isTTY) process.stderr.write(`${duration(performance.now() - startedAt)}\n`);
  return result;
}
