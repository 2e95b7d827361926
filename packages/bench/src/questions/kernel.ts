/** What does a WebAssembly kernel gain that works on slices where they lie? */
import { createMill, type Mill, type Slice } from '@millrace/workers';
import { copied, standardise, sum } from '@millrace/examples/standardise';
import { inRounds, type Contender } from '../measure/rounds.js';
import { quantile, ratiosOf } from '../measure/statistics.js';
import { sizeText } from '../measure/text.js';
import {
  MOST_BYTES,
  standardiseInJavaScript,
  standardiseOnCopies,
  sumInJavaScript,
} from '../peers/float-ops.js';
import type { Answer, Question, Settings } from '../question.js';

const KiB = 1024;
const SIZES = [64 * KiB, 1024 * KiB, MOST_BYTES];
/** How long each contender is at it in a round. */
const DURATION_MS = 200;

const WAYS = {
  'standardise, kernel on the slice': (mill: Mill, slice: Slice) =>
    mill.run(standardise, slice, { mean: 0, factor: 1 }),
  'standardise, kernel on copies': (mill: Mill, slice: Slice) =>
    mill.run(standardiseOnCopies, slice, { mean: 0, factor: 1 }),
  'standardise, JavaScript': (mill: Mill, slice: Slice) =>
    mill.run(standardiseInJavaScript, slice, { mean: 0, factor: 1 }),
  'sum, kernel on the slice': (mill: Mill, slice: Slice) => mill.run(sum, slice),
  'sum, JavaScript': (mill: Mill, slice: Slice) => mill.run(sumInJavaScript, slice),
} as const;

type Way = keyof typeof WAYS;

const COMPARED: readonly [Way, Way][] = [
  ['standardise, JavaScript', 'standardise, kernel on the slice'],
  ['standardise, kernel on copies', 'standardise, kernel on the slice'],
  ['sum, JavaScript', 'sum, kernel on the slice'],
];

export const kernel: Question = {
  name: 'kernel',
  title: 'kernel: 32-bit floats in a slice, on a worker, one slice at a time',
  asks: 'How much sooner is WebAssembly on the slice than JavaScript, and than WebAssembly on copies?',

  async run({ quick, rounds = quick ? 1 : 9, say }: Settings): Promise<Answer> {
    const durationMs = quick ? DURATION_MS / 20 : DURATION_MS;
    await using mill = await createMill({ threads: 1, memory: 64 * KiB * KiB });
    const contenders = SIZES.flatMap((size) => {
      const slice = mill.buffers.acquire(size);
      slice.bytes.fill(0);
      return (Object.keys(WAYS) as Way[]).map((way): Contender<number> => ({
        name: nameOf(way, size),
        run: () => medianMicroseconds(() => WAYS[way](mill, slice), durationMs),
      }));
    });
    const measured = await inRounds(contenders, { rounds, warmUp: true, say });
    return {
      ratios: COMPARED.flatMap(([theirs, ours]) =>
        SIZES.map((size) => ({
          what: `${theirs} / ${nameOf(ours, size)}`,
          unit: '×' as const,
          values: ratiosOf(measured.of(nameOf(theirs, size)), measured.of(nameOf(ours, size))),
        })),
      ),
      figures: contenders.map(({ name }) => ({
        what: name,
        unit: 'µs',
        values: measured.of(name),
      })),
      notes: [
        'each value is the median of all tasks of one round, from call to result',
        `the kernel on the slice copied ${await mill.run(copied)} bytes in all`,
        'on copies: the same module with a memory of its own, copied in and out',
      ],
    };
  },
};

function nameOf(way: Way, size: number): string {
  return `${way}, ${sizeText(size)}`;
}

async function medianMicroseconds(
  task: () => Promise<unknown>,
  durationMs: number,
): Promise<number> {
  const latencies: number[] = [];
  const endAt = performance.now() + durationMs;
  for (let startedAt = performance.now(); startedAt < endAt;) {
    await task();
    const endedAt = performance.now();
    latencies.push((endedAt - startedAt) * 1000);
    startedAt = endedAt;
  }
  return quantile(latencies, 0.5);
}
