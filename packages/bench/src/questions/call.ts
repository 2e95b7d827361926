/** What does it cost to call a JavaScript function in a worker? */
import { createMill } from '@millrace/workers';
import { Piscina } from 'piscina';
import { fileURLToPath } from 'node:url';
import { inRounds, type Contender, type Rounds } from '../measure/rounds.js';
import { ratiosOf } from '../measure/statistics.js';
import type * as Greet from '../peers/greet.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const THREADS = 2;
const SITUATION_MS = 300;
const MODULE = new URL('../peers/greet.js', import.meta.url);

const MILL = 'millrace';
const PISCINA = 'piscina';
const TUNED = 'piscina, tuned';

type Call = (id: number) => Promise<{ id: number }>;

/** What is measured of each, in µs for one call. */
interface Costs {
  readonly oneAtATime: number;
  readonly hundred: number;
}

const SITUATIONS: readonly { what: string; pick: (costs: Costs) => number }[] = [
  { what: 'one at a time', pick: ({ oneAtATime }) => oneAtATime },
  { what: '100 in flight', pick: ({ hundred }) => hundred },
];

export const call: Question = {
  name: 'call',
  title: 'call: a small function with an object of two properties, from call to result',
  asks: 'Does a function cost less than with piscina, on the same number of threads?',

  async run({ quick, rounds = quick ? 1 : 7, say }: Settings): Promise<Answer> {
    const durationMs = quick ? SITUATION_MS / 50 : SITUATION_MS;
    await using mill = await createMill({ threads: THREADS });
    await using piscina = piscinaWith({});
    // What its documentation offers for many short tasks.
    await using tuned = piscinaWith({ concurrentTasksPerWorker: 100, recordTiming: false });
    const { greet } = await mill.load<typeof Greet>(MODULE);

    const name = 'miller';
    const contenders: Contender<Costs>[] = [
      contender(MILL, (id) => mill.call(greet, [{ id, name }]), durationMs),
      contender(PISCINA, (id) => piscina.run({ id, name }) as Promise<{ id: number }>, durationMs),
      contender(TUNED, (id) => tuned.run({ id, name }) as Promise<{ id: number }>, durationMs),
    ];
    const measured = await inRounds(contenders, { rounds, warmUp: true, say });
    return {
      ratios: [PISCINA, TUNED].flatMap((theirs) => ratioRows(measured, theirs)),
      figures: [MILL, PISCINA, TUNED].flatMap((whose) => figureRows(measured, whose)),
      notes: ['tuned: concurrentTasksPerWorker 100, recordTiming false'],
    };
  },
};

function piscinaWith(options: {
  concurrentTasksPerWorker?: number;
  recordTiming?: boolean;
}): Piscina {
  return new Piscina({
    filename: fileURLToPath(MODULE),
    name: 'greet',
    minThreads: THREADS,
    maxThreads: THREADS,
    ...options,
  });
}

function contender(name: string, send: Call, durationMs: number): Contender<Costs> {
  return {
    name,
    run: async () => ({
      oneAtATime: await perCall(send, durationMs, 1),
      hundred: await perCall(send, durationMs, 100),
    }),
  };
}

/** µs for one call, with so many in flight: whenever one ends, the next is made, until time is up. */
async function perCall(send: Call, durationMs: number, inFlight: number): Promise<number> {
  let done = 0;
  let over = false;
  const startedAt = performance.now();
  const callOneByOne = async (): Promise<void> => {
    while (!over) {
      const id = done++;
      const result = await send(id);
      if (result.id !== id) throw new Error(`Call ${id} got the result of ${result.id}`);
      // A look at the clock takes long, beside such calls.
      if (id % 64 === 0) over = performance.now() - startedAt > durationMs;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, callOneByOne));
  return ((performance.now() - startedAt) * 1000) / done;
}

function ratioRows(measured: Rounds<Costs>, theirs: string): Row[] {
  return SITUATIONS.map(({ what, pick }) => ({
    what: `${what}, ${theirs} / ${MILL}`,
    unit: '×' as const,
    values: ratiosOf(measured.each(theirs, pick), measured.each(MILL, pick)),
    aim: '> 1×',
  }));
}

function figureRows(measured: Rounds<Costs>, name: string): Row[] {
  return SITUATIONS.map(({ what, pick }) => ({
    what: `${what}, ${name}`,
    unit: 'µs' as const,
    values: measured.each(name, pick),
  }));
}
