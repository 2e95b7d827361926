/** What does it gain that bytes which nobody looks at go through slices? */
import { rmSync, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { pipeline } from 'node:stream/promises';
import { createMill } from '@millrace/workers';
import { corpus } from '../measure/corpus.js';
import { inRounds, type Contender } from '../measure/rounds.js';
import { ratiosOf } from '../measure/statistics.js';
import { TempFolder } from '../measure/temp-folder.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const MiB = 2 ** 20;

const PUMP = 'pump, no op';
const PIPELINE = 'pipeline(createReadStream)';
const COPY_FILE = 'fs.copyFile';
const NAMES = [PUMP, PIPELINE, COPY_FILE];

interface Run {
  readonly ms: number;
  readonly cpuMs: number;
}

export const relay: Question = {
  name: 'relay',
  title: 'relay: a file copied as it is, descriptor to descriptor',
  asks: 'How much sooner are bytes passed on than by streams?',

  async run({ quick, rounds = quick ? 1 : 9, say }: Settings): Promise<Answer> {
    const from = await corpus((quick ? 4 : 256) * MiB);
    using folder = new TempFolder();
    await using mill = await createMill({ threads: 1 });
    const contenders = [
      contender(PUMP, folder, async (to) => {
        const [source, target] = [await open(from), await open(to, 'w')];
        await mill.pump({ from: source, to: target });
        await Promise.all([source.close(), target.close()]);
      }),
      contender(PIPELINE, folder, (to) => pipeline(createReadStream(from), createWriteStream(to))),
      contender(COPY_FILE, folder, (to) => copyFile(from, to)),
    ];
    const measured = await inRounds(contenders, { rounds, warmUp: true, say });
    const rows = (what: string, of: (run: Run) => number): Row[] =>
      NAMES.map((name) => ({
        what: `${what}, ${name}`,
        unit: 'ms',
        values: measured.each(name, of),
      }));
    const ms = (run: Run): number => run.ms;
    const cpuMs = (run: Run): number => run.cpuMs;
    return {
      ratios: [PIPELINE, COPY_FILE].map((theirs) => ({
        what: `time, ${theirs} / ${PUMP}`,
        unit: '×',
        values: ratiosOf(measured.each(theirs, ms), measured.each(PUMP, ms)),
      })),
      figures: [...rows('time', ms), ...rows('processor time', cpuMs)],
      notes: ['all read from and write to the page cache'],
    };
  },
};

function contender(
  name: string,
  folder: TempFolder,
  work: (to: string) => Promise<unknown>,
): Contender<Run> {
  const to = folder.file(name.replaceAll(/\W+/g, '-'));
  return {
    name,
    run: async () => {
      rmSync(to, { force: true });
      const [startedAt, before] = [performance.now(), process.cpuUsage()];
      await work(to);
      const { user, system } = process.cpuUsage(before);
      return { ms: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
    },
  };
}
