// Counters, gauges and a histogram: two workers write, and the page reads without stopping them.

import { Gauges, Histogram } from '../../../dist/entries/index.js';
import { createPools, invitationTo, join } from '../site/memory.mjs';
import { runAll, sharedWords, turn } from '../site/threads.mjs';

const TIMES = 200_000;

/** The page reads all three while the workers write, and again at the end. */
export async function readFromThePage() {
  const pools = createPools(4 * 2 ** 20, 1);
  const words = sharedWords(Histogram.words() + Gauges.words(1));
  const histogram = new Histogram(words, 0);
  const gauges = new Gauges(words, Histogram.words(), 1);
  const invitations = [invitationTo(pools), invitationTo(pools)];
  const orders = invitations.map((invitation) => ({ words, invitation }));
  const workers = runAll(import.meta.url, 'record', orders);
  let ended = false;
  const end = () => (ended = true);
  void workers.then(end, end);

  const seen = { counted: 0, recorded: 0 };
  let fell = 0;
  do {
    const counted = pools.counters.sum(0);
    const recorded = histogram.snapshot().count;
    if (counted < seen.counted || recorded < seen.recorded) fell++;
    Object.assign(seen, { counted, recorded });
    await turn();
  } while (!ended);
  await workers;
  const { count, min, max, mean } = histogram.snapshot();
  const median = histogram.snapshot().percentile(50);
  return {
    fell,
    counted: pools.counters.sum(0),
    gauge: gauges.sum(0),
    histogram: { count, min, max },
    meanIsClose: Math.abs(mean / (TIMES / 2) - 1) < 0.02,
    medianIsClose: Math.abs(median / (TIMES / 2) - 1) < 0.02,
  };
}

export const jobs = { record };

function record({ words, invitation }) {
  const pools = join(invitation);
  const at = pools.counters.at(pools.thread, 0);
  const recorder = new Histogram(words, 0).recorder(pools.thread);
  const gauges = new Gauges(words, Histogram.words(), 1);
  for (let n = 1; n <= TIMES; n++) {
    pools.count(at, 3);
    recorder.record(n);
    gauges.add(pools.thread, 0, 0.5);
  }
}
