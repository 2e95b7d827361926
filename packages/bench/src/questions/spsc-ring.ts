/** What does it cost to hand a message of bytes to one other thread? */
import { inRounds, type Contender, type Rounds } from '../measure/rounds.js';
import { ratiosOf } from '../measure/statistics.js';
import { timeThreads } from '../measure/threads.js';
import { BATCH, byteRings, type ByteRingName } from '../peers/byte-rings.js';
import type { Answer, Question, Row, Settings } from '../question.js';
import type { ByteRingOrder } from '../threads/byte-ring-worker.js';

const CAPACITY_BYTES = 65_536;
const SCRIPT = new URL('../threads/byte-ring-worker.js', import.meta.url);

/** Of 4 KiB, the ring holds no more than one batch. */
const SITUATIONS: readonly Situation[] = [
  {
    messageBytes: 64,
    count: 1_000_000,
    what: '64 bytes',
    names: ['millrace', 'millraceInBatches', 'ringbuf'],
  },
  { messageBytes: 4096, count: 100_000, what: '4 KiB', names: ['millrace', 'ringbuf'] },
];

interface Situation {
  readonly messageBytes: number;
  readonly count: number;
  readonly what: string;
  readonly names: readonly ByteRingName[];
}

const NAMES: Record<ByteRingName, string> = {
  millrace: 'millrace',
  millraceInBatches: `millrace, published by ${BATCH}`,
  ringbuf: 'ringbuf.js',
};

type Contest = Situation & { readonly name: ByteRingName };

export const spscRing: Question = {
  name: 'spsc-ring',
  title: 'spsc-ring: messages of bytes, from one thread to one other',
  asks: 'How much less does a message cost than with ringbuf.js, one message a call?',

  async run({ quick, rounds = quick ? 1 : 15, say }: Settings): Promise<Answer> {
    const contests = SITUATIONS.flatMap((situation) =>
      situation.names.map((name): Contest => ({ ...situation, name })),
    );
    const measured = await inRounds(
      contests.map((contest) => contender(contest, quick ? 0.01 : 1)),
      { rounds, say },
    );
    return {
      ratios: contests
        .filter(({ name }) => name !== 'ringbuf')
        .map((contest) => ratioRow(measured, contest)),
      figures: contests.map((contest) => ({
        what: titleOf(contest),
        unit: 'ns' as const,
        values: measured.of(titleOf(contest)),
      })),
      notes: [
        `each ring holds ${CAPACITY_BYTES} bytes, in memory as its own maker gives it; both sides try again at once when it is full or empty`,
        'ringbuf.js: push and pop of a Uint8Array; millrace: write and read; published by 16: put, take, and publish, free after every 16th',
        'each run has two new threads; a quarter of the messages go first, and do not count',
      ],
    };
  },
};

/** ns for one message, from call to call. */
function contender(contest: Contest, scale: number): Contender<number> {
  const { name, messageBytes } = contest;
  const count = Math.ceil((contest.count * scale) / BATCH) * BATCH;
  return {
    name: titleOf(contest),
    async run() {
      const common = {
        name,
        memory: byteRings[name].make(CAPACITY_BYTES),
        messageBytes,
        warmUp: Math.ceil(count / 4 / BATCH) * BATCH,
        count,
      };
      const orders: ByteRingOrder[] = [
        { ...common, side: 'writer' },
        { ...common, side: 'reader' },
      ];
      return (await timeThreads(SCRIPT, orders)) / count;
    },
  };
}

function ratioRow(measured: Rounds<number>, ours: Contest): Row {
  const theirs: Contest = { ...ours, name: 'ringbuf' };
  return {
    what: `${ours.what}, ${NAMES.ringbuf} / ${NAMES[ours.name]}`,
    unit: '×',
    values: ratiosOf(measured.of(titleOf(theirs)), measured.of(titleOf(ours))),
    ...(ours.name === 'millrace' && { aim: '≥ 1.5×' }),
  };
}

function titleOf({ what, name }: Contest): string {
  return `${what}, ${NAMES[name]}`;
}
