/** How fast is a file compressed, against every other way that people have? */
import { rmSync, statSync } from 'node:fs';
import { createMill, type Mill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { verifyGzip } from '../measure/compare.js';
import { corpus } from '../measure/corpus.js';
import { idleLoopDelay, withLoopDelay, type LoopDelay } from '../measure/loop-delay.js';
import { commandPath, millraceCommand, timeProgram } from '../measure/programs.js';
import { inRounds, type Contender, type Rounds } from '../measure/rounds.js';
import { ratiosOf } from '../measure/statistics.js';
import { TempFolder } from '../measure/temp-folder.js';
import { gzipOnLibuv } from '../peers/gzip-on-libuv.js';
import { gzipPipeline } from '../peers/gzip-pipeline.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const MiB = 2 ** 20;
const LEVEL = 6;
const THREADS = 2;
const IN_FLIGHT = 4;
const IDLE_MS = 1000;

const MILL = `mill.pump, ${THREADS} threads`;
const PIPELINE = 'pipeline(createGzip)';
const LIBUV = `async zlib, ${IN_FLIGHT} in flight`;
const PIGZ = `pigz -p ${THREADS}`;
const COMMAND = `millrace gzip -p ${THREADS}`;

interface Run {
  readonly ms: number;
  readonly bytesOut: number;
  /** Of this process; not for other programs. */
  readonly delay?: LoopDelay;
}

export const gzipFile: Question = {
  name: 'gzip-file',
  title: 'gzip-file: gzip level 6, file to file',
  asks: 'How much sooner is a file of source text and programs compressed than by other means?',

  async run({ quick, rounds = quick ? 1 : 5, say }: Settings): Promise<Answer> {
    const from = await corpus((quick ? 4 : 256) * MiB);
    using folder = new TempFolder();
    await using mill = await createMill({ threads: THREADS });
    const { contenders, notes } = await contendersFor(mill, from, folder);
    const idle = await idleLoopDelay(quick ? IDLE_MS / 10 : IDLE_MS);
    const measured = await inRounds(contenders, { rounds, say });
    say('comparing what came out with what went in');
    for (const { name } of contenders) await verifyGzip(outputOf(name, folder), from);

    const names = contenders.map(({ name }) => name);
    return {
      ratios: ratiosBetween(measured, names),
      figures: figuresOf(measured, names, idle),
      notes: [...notes, `the input is ${statSync(from).size / MiB} MiB; every output was verified`],
    };
  },
};

async function contendersFor(
  mill: Mill,
  from: string,
  folder: TempFolder,
): Promise<{ contenders: Contender<Run>[]; notes: string[] }> {
  const contenders: Contender<Run>[] = [];
  const notes: string[] = [];
  const within = (name: string, work: (to: string) => Promise<unknown>): void => {
    const to = outputOf(name, folder);
    const run = async (): Promise<Run> => {
      rmSync(to, { force: true });
      const { elapsedMs: ms, delay } = await withLoopDelay(() => work(to));
      return { ms, delay, bytesOut: statSync(to).size };
    };
    contenders.push({ name, run });
  };
  const program = (name: string, path: string, args: readonly string[]): void => {
    const to = outputOf(name, folder);
    const run = async (): Promise<Run> => {
      rmSync(to, { force: true });
      const ms = await timeProgram(path, args, to);
      return { ms, bytesOut: statSync(to).size };
    };
    contenders.push({ name, run });
  };

  within(MILL, (to) => mill.pump({ from, op: gzip, params: { level: LEVEL }, to }));
  within(PIPELINE, (to) => gzipPipeline(from, to, LEVEL));
  within(LIBUV, (to) => gzipOnLibuv(from, to, { level: LEVEL, inFlight: IN_FLIGHT }));

  const pigz = commandPath('pigz');
  if (pigz) program(PIGZ, pigz, ['-p', String(THREADS), `-${LEVEL}`, '-c', from]);
  else notes.push('pigz is not installed: left out');

  const command = millraceCommand();
  const args = ['gzip', '-p', String(THREADS), `-${LEVEL}`, '-c', from];
  if (command) program(COMMAND, process.execPath, [command, ...args]);
  else notes.push('the millrace command is not built: left out');
  return { contenders, notes };
}

/** Each contender keeps its last output, which is verified in the end. */
function outputOf(name: string, folder: TempFolder): string {
  return folder.file(`${name.replaceAll(/\W+/g, '-')}.gz`);
}

function ratiosBetween(measured: Rounds<Run>, names: readonly string[]): Row[] {
  const rows: Row[] = [];
  const compare = (theirs: string, ours: string, aim?: string): void => {
    if (!names.includes(theirs) || !names.includes(ours)) return;
    const values = ratiosOf(measured.each(theirs, msOf), measured.each(ours, msOf));
    rows.push({ what: `time, ${theirs} / ${ours}`, unit: '×', values, ...(aim && { aim }) });
  };
  compare(PIPELINE, MILL, '≥ 2.2×');
  compare(LIBUV, MILL);
  compare(PIGZ, MILL, '≥ 1.25×');
  compare(PIGZ, COMMAND);
  if (names.includes(PIGZ)) {
    const size = (run: Run): number => run.bytesOut;
    const values = ratiosOf(measured.each(MILL, size), measured.each(PIGZ, size));
    rows.push({
      what: `output, ${MILL}, beyond ${PIGZ}`,
      unit: '%',
      values: values.map((ratio) => (ratio - 1) * 100),
      aim: '≤ 1 %',
    });
  }
  return rows;
}

function figuresOf(measured: Rounds<Run>, names: readonly string[], idle: LoopDelay): Row[] {
  const within = names.filter((name) => [MILL, PIPELINE, LIBUV].includes(name));
  const delays = within.map((name): Row => ({
    what: `p99 loop delay, ${name}`,
    unit: 'ms',
    values: measured.each(name, ({ delay }) => delay!.p99Ms),
    ...(name === MILL && { aim: 'idle + ≤ 3 ms' }),
  }));
  const longest = within.map((name): Row => ({
    what: `longest loop delay, ${name}`,
    unit: 'ms',
    values: measured.each(name, ({ delay }) => delay!.maxMs),
  }));
  return [
    ...names.map((name): Row => ({
      what: `time, ${name}`,
      unit: 's',
      values: measured.each(name, ({ ms }) => ms / 1000),
    })),
    ...names.map((name): Row => ({
      what: `output, ${name}`,
      unit: 'MB',
      values: measured.each(name, ({ bytesOut }) => bytesOut / 1e6),
    })),
    { what: 'p99 loop delay, idle', unit: 'ms', values: [idle.p99Ms] },
    ...delays,
    ...longest,
  ];
}

function msOf({ ms }: Run): number {
  return ms;
}
