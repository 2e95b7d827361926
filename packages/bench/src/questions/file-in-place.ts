/** What does it gain that workers write the output to the file themselves? */
import { createHash } from 'node:crypto';
import { createReadStream, rmSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createMill } from '@millrace/workers';
import { corpus } from '../measure/corpus.js';
import { withLoopDelay, type LoopDelay } from '../measure/loop-delay.js';
import { inRounds, type Contender } from '../measure/rounds.js';
import { ratiosOf } from '../measure/statistics.js';
import { TempFolder } from '../measure/temp-folder.js';
import { maskInPlace, maskPipeline, maskToOutput } from '../peers/mask-op.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const MiB = 2 ** 20;
const THREADS = 2;

const WORKERS = 'workers write';
const DIRECT = 'workers write, direct: true';
const MAIN = 'the main thread writes';
const PIPELINE = 'pipeline(Transform)';
const NAMES = [WORKERS, DIRECT, MAIN, PIPELINE];

interface Run {
  readonly ms: number;
  readonly delay: LoopDelay;
}

export const fileInPlace: Question = {
  name: 'file-in-place',
  title: `file-in-place: every byte of a file changed, file to file, ${THREADS} threads`,
  asks: 'How much sooner is a file transformed when workers write it themselves?',

  async run({ quick, rounds = quick ? 1 : 7, say }: Settings): Promise<Answer> {
    const from = await corpus((quick ? 4 : 256) * MiB);
    using folder = new TempFolder();
    await using mill = await createMill({ threads: THREADS });
    const notes = new Set<string>();
    const pump = async (
      to: string,
      op: typeof maskInPlace | typeof maskToOutput,
      direct = false,
    ) => {
      const report = await mill.pump({ from, op, to, direct });
      for (const note of report.notes) notes.add(note);
    };
    const contenders = [
      contender(WORKERS, folder, (to) => pump(to, maskInPlace)),
      contender(DIRECT, folder, (to) => pump(to, maskInPlace, true)),
      contender(MAIN, folder, (to) => pump(to, maskToOutput)),
      contender(PIPELINE, folder, (to) => maskPipeline(from, to)),
    ];
    const measured = await inRounds(contenders, { rounds, warmUp: true, say });
    await checkSame(NAMES.map((name) => outputOf(name, folder)));

    const ms = (run: Run): number => run.ms;
    return {
      ratios: [MAIN, PIPELINE].map((theirs) => ({
        what: `time, ${theirs} / ${WORKERS}`,
        unit: '×',
        values: ratiosOf(measured.each(theirs, ms), measured.each(WORKERS, ms)),
      })),
      figures: [
        ...NAMES.map((name): Row => ({
          what: `time, ${name}`,
          unit: 'ms',
          values: measured.each(name, ms),
        })),
        ...NAMES.map((name): Row => ({
          what: `p99 loop delay, ${name}`,
          unit: 'ms',
          values: measured.each(name, ({ delay }) => delay.p99Ms),
        })),
      ],
      notes: [
        `the input is ${statSync(from).size / MiB} MiB; all outputs were the same`,
        'all but "direct" read from and write to the page cache; "direct" waits for the disk',
        ...notes,
      ],
    };
  },
};

function contender(
  name: string,
  folder: TempFolder,
  work: (to: string) => Promise<unknown>,
): Contender<Run> {
  const to = outputOf(name, folder);
  return {
    name,
    run: async () => {
      rmSync(to, { force: true });
      const { elapsedMs: ms, delay } = await withLoopDelay(() => work(to));
      return { ms, delay };
    },
  };
}

function outputOf(name: string, folder: TempFolder): string {
  return folder.file(name.replaceAll(/\W+/g, '-'));
}

/** @throws Error when the files differ */
async function checkSame(paths: readonly string[]): Promise<void> {
  const sums = new Set<string>();
  for (const path of paths) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    sums.add(hash.digest('hex'));
  }
  if (sums.size > 1) throw new Error(`The outputs differ: ${[...sums].join(', ')}`);
}
