/** What does it take to have a worker change bytes where they lie, and does it matter how many? */
import { Worker } from 'node:worker_threads';
import { createMill, type Mill } from '@millrace/workers';
import { inRounds, type Contender } from '../measure/rounds.js';
import { quantile, ratiosOf } from '../measure/statistics.js';
import { sizeText } from '../measure/text.js';
import { touch } from '../peers/touch-op.js';
import type { Touched } from '../peers/touch-worker.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const KiB = 1024;
const THREADS = 2;
const PEERS_BYTES = 256 * KiB;
const SIZES = [4 * KiB, 64 * KiB, PEERS_BYTES, 1024 * KiB, 4096 * KiB];
/** How long each trip is taken in a round. */
const DURATION_MS = 300;

const SCRIPT = new URL('../peers/touch-worker.js', import.meta.url);

const MILL = 'millrace';
const COPY = 'postMessage, copied';
const TRANSFER = 'postMessage, transferred';

/** Sends bytes to a worker, which touches one of them; resolves when they are back. */
type RoundTrip = () => Promise<unknown>;

/** What each trip of a contender takes, in µs: the median of a round. */
type Medians = ReadonlyMap<string, number>;

export const roundTrip: Question = {
  name: 'round-trip',
  title: 'round-trip: one byte of a buffer is changed on another thread, one buffer at a time',
  asks: 'How much sooner is a slice back than a message, and is that so for every size?',

  async run({ quick, rounds = quick ? 1 : 9, say }: Settings): Promise<Answer> {
    const durationMs = quick ? DURATION_MS / 50 : DURATION_MS;
    await using mill = await createMill({ threads: THREADS });
    await using echo = new Echo();
    const trips = SIZES.map((size) => [millOf(size), onMill(mill, size)] as const);
    const contenders = [
      contender(MILL, new Map(trips), durationMs),
      contender(COPY, new Map([[COPY, echo.byMessage(PEERS_BYTES, false)]]), durationMs),
      contender(TRANSFER, new Map([[TRANSFER, echo.byMessage(PEERS_BYTES, true)]]), durationMs),
    ];
    const measured = await inRounds(contenders, { rounds, warmUp: true, say });
    const of = (by: string, trip: string): number[] => measured.each(by, (all) => all.get(trip)!);
    const own = of(MILL, millOf(PEERS_BYTES));
    return {
      ratios: [
        { ...ratioTo(COPY, of(COPY, COPY), own), aim: '≥ 15×' },
        { ...ratioTo(TRANSFER, of(TRANSFER, TRANSFER), own), aim: '≥ 2×' },
        {
          what: `slowest size / fastest size, ${sizeText(SIZES[0]!)} to ${sizeText(SIZES.at(-1)!)}`,
          unit: '×',
          values: measured.each(MILL, slowestToFastest),
          aim: '≤ 1.2×',
        },
      ],
      figures: [
        ...SIZES.map((size) => figure(millOf(size), of(MILL, millOf(size)))),
        ...[COPY, TRANSFER].map((name) => figure(name, of(name, name))),
      ],
      notes: [
        'each value is the median of all round trips of one round',
        'sizes take turns trip by trip: the machine changes its pace within milliseconds',
        'by message: a bare worker thread with nothing else to do, there and back the same way',
      ],
    };
  },
};

function contender(
  name: string,
  trips: ReadonlyMap<string, RoundTrip>,
  durationMs: number,
): Contender<Medians> {
  return { name, run: () => medianMicroseconds(trips, durationMs * trips.size) };
}

/** Takes the trips in turns. */
async function medianMicroseconds(
  trips: ReadonlyMap<string, RoundTrip>,
  durationMs: number,
): Promise<Medians> {
  const latencies = new Map([...trips.keys()].map((name): [string, number[]] => [name, []]));
  const endAt = performance.now() + durationMs;
  for (let startedAt = performance.now(); startedAt < endAt;) {
    for (const [name, trip] of trips) {
      await trip();
      const endedAt = performance.now();
      latencies.get(name)!.push((endedAt - startedAt) * 1000);
      startedAt = endedAt;
    }
  }
  return new Map([...latencies].map(([name, values]) => [name, quantile(values, 0.5)]));
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

function ratioTo(peer: string, theirs: readonly number[], own: readonly number[]): Row {
  return { what: `${peer} / ${millOf(PEERS_BYTES)}`, unit: '×', values: ratiosOf(theirs, own) };
}

function figure(what: string, values: readonly number[]): Row {
  return { what, unit: 'µs', values };
}

function slowestToFastest(medians: Medians): number {
  return Math.max(...medians.values()) / Math.min(...medians.values());
}

function millOf(size: number): string {
  return `mill.run in place, ${sizeText(size)}`;
}
