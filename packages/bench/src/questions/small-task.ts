/** What does it cost to have a worker do next to nothing? */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { createMill } from '@millrace/workers';
import { inRounds, type Contender, type Rounds } from '../measure/rounds.js';
import { median, quantile, ratiosOf } from '../measure/statistics.js';
import { length } from '../peers/length-op.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const THREADS = 2;
const SMALL_BYTES = 64;
/** Tasks that are sent in one go, for the sender's share. */
const BATCH = 1000;
const BATCHES = 20;
/** How long each situation lasts. Slow contenders get through fewer tasks in it. */
const SITUATION_MS = 300;
/** Into so many parts it is cut where two situations are compared: they take turns, since the machine is others' too. */
const TURNS = 6;

const MILL = 'millrace';
const PISCINA = 'piscina';
const TUNED = 'piscina, tuned';

type Send = (input: Uint8Array | undefined) => Promise<number>;

/** What is measured of each sender, in µs for one task. */
interface Costs {
  readonly oneAtATime: number;
  readonly oneAtATimeP99: number;
  readonly hundred: number;
  readonly tenThousand: number;
  readonly hundredWithInput: number;
  readonly sender: number;
}

const SITUATIONS: readonly { what: string; pick: (costs: Costs) => number; aim?: string }[] = [
  { what: 'one at a time', pick: ({ oneAtATime }) => oneAtATime, aim: '≥ 6×' },
  { what: 'one at a time, p99', pick: ({ oneAtATimeP99 }) => oneAtATimeP99 },
  { what: '100 in flight', pick: ({ hundred }) => hundred, aim: '≥ 15×' },
  { what: '10,000 in flight', pick: ({ tenThousand }) => tenThousand },
  {
    what: `100 in flight, ${SMALL_BYTES} bytes each`,
    pick: ({ hundredWithInput }) => hundredWithInput,
  },
  { what: `sender's share in a batch of ${BATCH}`, pick: ({ sender }) => sender },
];

export const smallTask: Question = {
  name: 'small-task',
  title: 'small-task: a task that does nothing, from call to result',
  asks: 'How much less does a task cost than with piscina, on the same number of threads?',

  async run({ quick, rounds = quick ? 1 : 7, say }: Settings): Promise<Answer> {
    const scale = quick ? 0.02 : 1;
    await using mill = await createMill({ threads: THREADS });
    await using piscina = piscinaWith({});
    // What its documentation offers for many short tasks.
    await using tuned = piscinaWith({ concurrentTasksPerWorker: 100, recordTiming: false });

    const contenders: Contender<Costs>[] = [
      contender(MILL, (input) => mill.run(length, input), scale),
      contender(PISCINA, (input) => piscina.run(input) as Promise<number>, scale),
      contender(TUNED, (input) => tuned.run(input) as Promise<number>, scale),
    ];
    const measured = await inRounds(contenders, { rounds, warmUp: true, say });
    return {
      ratios: [
        ...[PISCINA, TUNED].flatMap((theirs) => ratioRows(measured, theirs)),
        {
          what: `one at a time, p99 / median, ${MILL}`,
          unit: '×',
          values: ratiosOf(
            measured.each(MILL, ({ oneAtATimeP99 }) => oneAtATimeP99),
            measured.each(MILL, ({ oneAtATime }) => oneAtATime),
          ),
          aim: '≤ 3×',
        },
        {
          what: `10,000 in flight / 100 in flight, ${MILL}`,
          unit: '×',
          values: ratiosOf(
            measured.each(MILL, ({ tenThousand }) => tenThousand),
            measured.each(MILL, ({ hundred }) => hundred),
          ),
          aim: '≤ 1.05×',
        },
      ],
      figures: [MILL, PISCINA, TUNED].flatMap((name) => figureRows(measured, name)),
      notes: [
        'tuned: concurrentTasksPerWorker 100, recordTiming false',
        'one at a time: the median of all its tasks; each is sent when the one before has ended',
        `sender's share: the time of the loop that sends ${BATCH} tasks, before any is awaited`,
      ],
    };
  },
};

function piscinaWith(options: {
  concurrentTasksPerWorker?: number;
  recordTiming?: boolean;
}): Piscina {
  return new Piscina({
    filename: fileURLToPath(new URL('../peers/length-worker.js', import.meta.url)),
    name: 'length',
    minThreads: THREADS,
    maxThreads: THREADS,
    ...options,
  });
}

function contender(name: string, send: Send, scale: number): Contender<Costs> {
  const input = new Uint8Array(SMALL_BYTES);
  const durationMs = SITUATION_MS * scale;
  return {
    name,
    run: async () => {
      const latencies = await oneByOne(send, durationMs);
      const [hundred, tenThousand] = await inTurns(
        () => perTask(send, { durationMs: durationMs / TURNS, inFlight: 100 }),
        // Twice as long at least: it goes on until all of them are through.
        () => perTask(send, { durationMs: (2 * durationMs) / TURNS, inFlight: 10_000 }),
      );
      return {
        oneAtATime: quantile(latencies, 0.5),
        oneAtATimeP99: quantile(latencies, 0.99),
        hundred,
        tenThousand,
        hundredWithInput: await perTask(send, { durationMs, inFlight: 100, input }),
        sender: await sendersShare(send, Math.ceil(BATCHES * scale)),
      };
    },
  };
}

/** The median of each, by turns. */
async function inTurns(
  one: () => Promise<number>,
  other: () => Promise<number>,
): Promise<[number, number]> {
  const values: [number[], number[]] = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    values[0].push(await one());
    values[1].push(await other());
  }
  return [median(values[0]), median(values[1])];
}

/** How long each task takes, in µs, when one is sent after the other has ended. */
async function oneByOne(send: Send, durationMs: number): Promise<number[]> {
  const latencies: number[] = [];
  const endAt = performance.now() + durationMs;
  for (let startedAt = performance.now(); startedAt < endAt;) {
    await send(undefined);
    const endedAt = performance.now();
    latencies.push((endedAt - startedAt) * 1000);
    startedAt = endedAt;
  }
  return latencies;
}

/**
 * µs for one task, with so many in flight: whenever one ends, the next is sent, until time is up. All
 * tasks have one continuation, which is as little as can be of our own among what is measured.
 */
function perTask(
  send: Send,
  { durationMs, inFlight, input }: { durationMs: number; inFlight: number; input?: Uint8Array },
): Promise<number> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let done = 0;
    let over = false;
    const startedAt = performance.now();
    const sendNext = (): void => {
      sent++;
      send(input).then(onDone, reject);
    };
    const onDone = (): void => {
      // A look at the clock takes long, beside such tasks.
      if (++done % 64 === 0) over ||= performance.now() - startedAt > durationMs;
      if (!over) sendNext();
      else if (done === sent) resolve(((performance.now() - startedAt) * 1000) / done);
    };
    for (let i = 0; i < inFlight; i++) sendNext();
  });
}

/** µs that the sender's own thread spends for one task, before it can go on. */
async function sendersShare(send: Send, batches: number): Promise<number> {
  let sendingMs = 0;
  for (let batch = 0; batch < batches; batch++) {
    const sent: Promise<number>[] = [];
    const startedAt = performance.now();
    for (let i = 0; i < BATCH; i++) sent.push(send(undefined));
    sendingMs += performance.now() - startedAt;
    await Promise.all(sent);
  }
  return (sendingMs * 1000) / (batches * BATCH);
}

function ratioRows(measured: Rounds<Costs>, theirs: string): Row[] {
  return SITUATIONS.map(({ what, pick, aim }) => ({
    what: `${what}, ${theirs} / ${MILL}`,
    unit: '×' as const,
    values: ratiosOf(measured.each(theirs, pick), measured.each(MILL, pick)),
    ...(aim && theirs === PISCINA && { aim }),
  }));
}

function figureRows(measured: Rounds<Costs>, name: string): Row[] {
  return SITUATIONS.map(({ what, pick }) => ({
    what: `${what}, ${name}`,
    unit: 'µs' as const,
    values: measured.each(name, pick),
  }));
}
