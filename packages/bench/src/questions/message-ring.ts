/** What does it save to push and pop short messages in batches, with several threads at either end? */
import { MessageRing, type ThreadId } from '@millrace/core';
import { inRounds, type Contender } from '../measure/rounds.js';
import { ratiosOf } from '../measure/statistics.js';
import { timeThreads } from '../measure/threads.js';
import type { Answer, Question, Settings } from '../question.js';
import type { MessageRingOrder } from '../threads/message-ring-worker.js';

const SHAPE = { cells: 1024, messageWords: 4 };
const BATCH = 16;
const MESSAGES = 3_200_000;
const SCRIPT = new URL('../threads/message-ring-worker.js', import.meta.url);

type Role = MessageRingOrder['role'];

/** Who does what, a thread each. */
const CASTS: readonly { readonly what: string; readonly roles: readonly Role[] }[] = [
  { what: '2 threads that push and pop in turn', roles: ['both', 'both'] },
  { what: '1 producer, 1 consumer', roles: ['producer', 'consumer'] },
  {
    what: '2 producers, 2 consumers',
    roles: ['producer', 'producer', 'consumer', 'consumer'],
  },
];

interface Contest {
  readonly what: string;
  readonly roles: readonly Role[];
  readonly batch: number | undefined;
}

export const messageRing: Question = {
  name: 'message-ring',
  title: `message-ring: messages of ${SHAPE.messageWords} words, from any number of threads to any number`,
  asks: `How much less does a message cost in a batch of ${BATCH} than alone?`,

  async run({ quick, rounds = quick ? 1 : 11, say }: Settings): Promise<Answer> {
    const messages = quick ? MESSAGES / 100 : MESSAGES;
    const contests = CASTS.flatMap((cast): Contest[] => [
      { ...cast, batch: undefined },
      { ...cast, batch: BATCH },
    ]);
    const contenders = contests.map((contest) => contender(contest, messages));
    const measured = await inRounds(contenders, { rounds, say });
    return {
      ratios: CASTS.map((cast) => ({
        what: `${cast.what}: alone / in batches of ${BATCH}`,
        unit: '×' as const,
        values: ratiosOf(
          measured.of(titleOf({ ...cast, batch: undefined })),
          measured.of(titleOf({ ...cast, batch: BATCH })),
        ),
        aim: '≥ 3×',
      })),
      figures: contenders.map(({ name }) => ({
        what: name,
        unit: 'ns' as const,
        values: measured.of(name),
      })),
      notes: [
        `the ring holds ${SHAPE.cells} messages; a thread that cannot go on spins for a while, then sleeps`,
        'each thread has moved as many messages before: the compilers, which count calls, are done with those of a batch much later',
        'with more threads than cores, and where one end outruns the other, part of the time is theirs who sleep and are woken: a batch saves none of that',
      ],
    };
  },
};

/** ns from one message that has come through to the next. */
function contender({ what, roles, batch }: Contest, messages: number): Contender<number> {
  return {
    name: titleOf({ what, roles, batch }),
    async run() {
      const words = new Int32Array(new SharedArrayBuffer(4 * MessageRing.words(SHAPE)));
      const orders = roles.map((role, i): MessageRingOrder => {
        const count = messages / roles.filter((other) => other === role).length;
        const thread = (i + 1) as ThreadId;
        return { words, shape: SHAPE, thread, role, batch, warmUp: count, count };
      });
      return (await timeThreads(SCRIPT, orders)) / messages;
    },
  };
}

function titleOf({ what, batch }: Contest): string {
  return `${what}: ${batch === undefined ? 'alone' : `in batches of ${batch}`}`;
}
