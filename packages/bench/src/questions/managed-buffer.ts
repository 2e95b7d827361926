/** What does a life cost: a buffer from a manager's stock, got and returned, beside a bare slice? */
import { BufferManager, BufferPools, type BufferManagerServices } from '@millrace/core';
import { inRounds, type Contender } from '../measure/rounds.js';
import { median, ratiosOf } from '../measure/statistics.js';
import type { Answer, Question, Settings } from '../question.js';

const MiB = 2 ** 20;
const BYTES = 4096;
const BATCHES = 20;

const BARE = 'slice';
const MANAGED = 'buffer';
const LEAN = 'buffer that is not validated, nor reset';
const CLOCKLESS = 'buffer, by a clock that costs nothing';
const TOLD = 'buffer, with all events told';

export const managedBuffer: Question = {
  name: 'managed-buffer',
  title: 'managed-buffer: a buffer from a stock, got and returned, on one thread',
  asks: 'How much more does a managed buffer cost than a slice, and how much do its events?',

  async run({ quick, rounds = quick ? 1 : 15, say }: Settings): Promise<Answer> {
    const calls = quick ? 1000 : 50_000;
    const pools = BufferPools.create({ memory: 64 * MiB }, 0);
    const told = { events: 0 };
    const managed = (services: BufferManagerServices = {}): BufferManager =>
      new BufferManager(pools, {}, services);
    const unchecked = { validateOnGet: false, validateOnPut: false, resetOnPut: false };
    const contenders = [
      contender(BARE, calls, leaseFrom(pools)),
      contender(MANAGED, calls, getFrom(managed())),
      contender(LEAN, calls, getFrom(new BufferManager(pools, { pools: { small: unchecked } }))),
      contender(CLOCKLESS, calls, getFrom(managed({ nowMs: () => 0 }))),
      contender(TOLD, calls, getFrom(managed({ onEvent: () => void told.events++ }))),
    ];
    const measured = await inRounds(contenders, { rounds, warmUp: true, say });
    if (told.events < 3 * rounds * calls) throw new Error(`Only ${told.events} events were told`);
    const ratio = (name: string): Answer['ratios'][number] => ({
      what: `${name} / ${BARE}`,
      unit: '×',
      values: ratiosOf(measured.of(name), measured.of(BARE)),
    });
    return {
      ratios: [MANAGED, LEAN, CLOCKLESS, TOLD].map(ratio),
      figures: contenders.map(({ name }) => ({
        what: name,
        unit: 'ns' as const,
        values: measured.of(name),
      })),
      notes: ['got and returned: two looks at the clock; with events told, a third'],
    };
  },
};

function leaseFrom(pools: BufferPools): (count: number) => void {
  return (count) => {
    for (let i = 0; i < count; i++) pools.acquire(BYTES).release();
  };
}

function getFrom(manager: BufferManager): (count: number) => void {
  return (count) => {
    for (let i = 0; i < count; i++) manager.getBuffer(BYTES).release();
  };
}

/** ns for one call: the median of some batches, as a call is shorter than a look at the clock. */
function contender(name: string, calls: number, batch: (count: number) => void): Contender<number> {
  return {
    name,
    run() {
      const batches = Array.from({ length: BATCHES }, () => {
        const began = performance.now();
        batch(calls);
        return ((performance.now() - began) * 1e6) / calls;
      });
      return Promise.resolve(median(batches));
    },
  };
}
