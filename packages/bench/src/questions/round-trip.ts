/** What does it take to have a worker change bytes where they lie, and does it matter how many? */
import { Worker } from 'node:worker_threads';
import { createMill, type Mill } from '@millrace/workers';
import { inRounds, type Contender, type Rounds } from '../measure/rounds.js';
import { quantile, ratiosOf } from '../measure/statistics.js';
import { sizeText } from '../measure/text.js';
import { touch } from '../peers/touch-op.js';
import type { Touched } from '../peers/touch-worker.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const KiB = 1024;
const THREADS = 2;
const PEERS_BYTES = 256 * KiB;
const SIZES = [4 * KiB, 64 * KiB, PEERS_BYTES, 1024 * KiB, 4096 * KiB];
/** How long each contender is at it in a round. */
const DURATION_MS = 300;

const SCRIPT = new URL('../peers/touch-worker.js', import.meta.url);

const COPY = 'postMessage, copied';
const TRANSFER = 'postMessage, transferred';

/** Sends bytes to a worker, which touches one of them; resolves when they are back. */
type RoundTrip = () => Promise<unknown>;

export const roundTrip: Question = {
  name: 'round-trip',
  title: 'round-trip: one byte of a buffer is changed on another thread, one buffer at a time',
  asks: 'How much sooner is a slice back than a message, and is that so for every size?',

  async run({ quick, rounds = quick ? 1 : 9, say }: Settings): Promise<Answer> {
    const durationMs = quick ? DURATION_MS / 50 : DURATION_MS;
    await using mill = await createMill({ threads: THREADS });
    await using echo = new Echo();
    const contenders: Contender<number>[] = [
      ...SIZES.map((size) => contender(millOf(size), onMill(mill, size), durationMs)),
      contender(COPY, echo.byMessage(PEERS_BYTES, false), durationMs),
      contender(TRANSFER, echo.byMessage(PEERS_BYTES, true), durationMs),
    ];
    const measured = await inRounds(contenders, { rounds, warmUp: true, say });
    return {
      ratios: [
        { ...ratioTo(measured, COPY), aim: '≥ 15×' },
        { ...ratioTo(measured, TRANSFER), aim: '≥ 2×' },
        {
          what: `slowest size / fastest size, ${sizeText(SIZES[0]!)} to ${sizeText(SIZES.at(-1)!)}`,
          unit: '×',
          values: [slowestToFastest(measured)],
          aim: '≤ 1.2×',
        },
      ],
      figures: contenders.map(({ name }) => ({
        what: name,
        unit: 'µs',
        values: measured.of(name),
      })),
      notes: [
        'each value is the median of all round trips of one round',
        'slowest and fastest size: of the medians over the rounds',
        'by message: a bare worker thread with nothing else to do, there and back the same way',
      ],
    };
  },
};

function contender(name: string, trip: RoundTrip, durationMs: number): Contender<number> {
  return { name, run: () => medianMicroseconds(trip, durationMs) };
}

async function medianMicroseconds(trip: RoundTrip, durationMs: number): Promise<number> {
  const latencies: number[] = [];
  const endAt = performance.now() + durationMs;
  for (let startedAt = performance.now(); startedAt < endAt;) {
    await trip();
    const endedAt = performance.now();
    latencies.push((endedAt - startedAt) * 1000);
    startedAt = endedAt;
  }
  return quantile(latencies, 0.5);
}

function onMill(mill: Mill, size: number): RoundTrip {
  const slice = mill.buffers.acquire(size);
  return () => mill.run(touch, slice);
}

/** One listener for all messages: to add one for each would be part of what is measured. */
class Echo {
  readonly #worker = new Worker(SCRIPT, { execArgv: [] });
  #onBack: ((back: Touched) => void) | undefined;

  constructor() {
    this.#worker.on('message', (back: Touched) => this.#onBack?.(back));
  }

  byMessage(size: number, transfer: boolean): RoundTrip {
    let bytes = new Uint8Array(size);
    return async () => {
      const message: Touched = { bytes, transfer };
      const back = new Promise<Touched>((resolve) => (this.#onBack = resolve));
      this.#worker.postMessage(message, transfer ? [bytes.buffer] : []);
      ({ bytes } = await back);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

function ratioTo(measured: Rounds<number>, peer: string): Row {
  const name = millOf(PEERS_BYTES);
  return {
    what: `${peer} / ${name}`,
    unit: '×',
    values: ratiosOf(measured.of(peer), measured.of(name)),
  };
}

function slowestToFastest(measured: Rounds<number>): number {
  const medians = SIZES.map((size) => quantile(measured.of(millOf(size)), 0.5));
  return Math.max(...medians) / Math.min(...medians);
}

function millOf(size: number): string {
  return `mill.run in place, ${sizeText(size)}`;
}
