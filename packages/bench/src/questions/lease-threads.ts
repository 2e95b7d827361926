/** Does a second thread double the leases, and what does it cost to watch them? */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { BufferPools, type SafetyLevel } from '@millrace/core';
import { inRounds, type Contender } from '../measure/rounds.js';
import { ratiosOf } from '../measure/statistics.js';
import type { LeaseOrders } from '../peers/lease-worker.js';
import type { Answer, Question, Settings } from '../question.js';

const MiB = 1024 * 1024;
const ONE = 'one thread';
const TWO = 'two threads, each';
const SAMPLED = 'one thread, sampled';

export const leaseThreads: Question = {
  name: 'lease-threads',
  title: 'lease-threads: warm slices of 4 KiB, leased and returned on one thread and on two',
  asks: 'Does a second thread double the leases? What does the safety level "sampled" cost?',

  async run({ quick, rounds = quick ? 1 : 15, say }: Settings): Promise<Answer> {
    const ms = quick ? 1 : 100;
    const crews = [
      await Crew.hire(ONE, 1, 'off', ms),
      await Crew.hire(TWO, 2, 'off', ms),
      await Crew.hire(SAMPLED, 1, 'sampled', ms),
    ];
    try {
      const measured = await inRounds(crews, { rounds, warmUp: true, say });
      const one = measured.of(ONE);
      const doubled = ratiosOf(one, measured.of(TWO)).map((ratio) => 2 * ratio);
      return {
        ratios: [
          { what: 'two threads / one, leases a second', unit: '×', values: doubled, aim: '≥ 1.8×' },
          {
            what: `${SAMPLED} / ${ONE}`,
            unit: '×',
            values: ratiosOf(measured.of(SAMPLED), one),
            aim: '≤ 1.1×',
          },
        ],
        figures: crews.map(({ name }) => ({ what: name, unit: 'ns', values: measured.of(name) })),
        notes: ['every thread is one of its own, with its own compiled code; main only waits'],
      };
    } finally {
      await Promise.all(crews.map((crew) => crew.dismiss()));
    }
  },
};

/** Threads that lease side by side, round by round. */
class Crew implements Contender<number> {
  readonly name: string;
  readonly #workers: readonly Worker[];
  readonly #rounds: Int32Array;

  private constructor(name: string, workers: Worker[], rounds: Int32Array) {
    this.name = name;
    this.#workers = workers;
    this.#rounds = rounds;
  }

  static async hire(name: string, threads: number, safety: SafetyLevel, ms: number): Promise<Crew> {
    const pools = BufferPools.create({ memory: 64 * MiB, safety }, 0);
    const rounds = new Int32Array(new SharedArrayBuffer(4));
    const workers = Array.from({ length: threads }, (_, index) => {
      const thread = pools.registry.register(index + 1);
      const workerData: LeaseOrders = { memory: pools.handle, thread, rounds, ms };
      return new Worker(new URL('../peers/lease-worker.js', import.meta.url), { workerData });
    });
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    return new Crew(name, workers, rounds);
  }

  /** ns for one lease and return, while all threads of the crew are at it: so many a second as they make together. */
  async run(): Promise<number> {
    const done = Promise.all(this.#workers.map((worker) => once(worker, 'message')));
    Atomics.add(this.#rounds, 0, 1);
    Atomics.notify(this.#rounds, 0);
    const perSecond = (await done).reduce((sum, [ns]) => sum + 1e9 / (ns as number), 0);
    return (1e9 * this.#workers.length) / perSecond;
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
