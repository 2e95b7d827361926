// Barrier, latch and event: two workers wait by blocking, and the page without.

import { Barrier, Latch, ManualResetEvent } from '../../../dist/entries/index.js';
import { runAll, sharedWords } from '../site/threads.mjs';

const [PAGE, ...WORKERS] = [1, 2, 3];

/** Three threads write to a word of their own in each round, pass the barrier, and look at the words of all. */
export async function passBarrier() {
  const rounds = 300;
  const words = sharedWords(Barrier.WORDS);
  const marks = sharedWords(4);
  Barrier.init(words, 0, 3);
  const orders = WORKERS.map((thread) => ({ words, marks, thread, rounds }));
  const workers = runAll(import.meta.url, 'passRounds', orders);

  const barrier = new Barrier(words, 0, PAGE);
  const tally = { early: 0, led: 0 };
  for (let round = 1; round <= rounds; round++) {
    await passOnce(marks, PAGE, round, tally, () => barrier.waitAsync());
  }
  const tallies = [tally, ...(await workers)];
  const sum = (name) => tallies.reduce((total, each) => total + each[name], 0);
  return { early: sum('early'), led: sum('led'), lost: barrier.stats().lost };
}

/** Both workers come through a gate that the page opens, and count down a latch for which the page waits. */
export async function startTogether() {
  const words = sharedWords(64);
  const counter = sharedWords(1);
  Latch.init(words, 32, WORKERS.length);
  const gate = new ManualResetEvent(words, 0, PAGE);
  const latch = new Latch(words, 32, PAGE);
  const orders = WORKERS.map((thread) => ({ words, counter, thread }));
  const workers = runAll(import.meta.url, 'comeThrough', orders);

  const before = Atomics.load(counter, 0);
  gate.set();
  await Promise.race([latch.waitAsync(), workers]);
  const after = Atomics.load(counter, 0);
  await workers;
  return { before, after, gate: gate.stats(), latch: latch.stats() };
}

/** A worker sets an event that the page awaits, again and again, and waits for the page's answer each time. */
export async function callAndAnswer() {
  const rounds = 300;
  const words = sharedWords(64);
  const call = new ManualResetEvent(words, 0, PAGE);
  const answer = new ManualResetEvent(words, 32, PAGE);
  const worker = runAll(import.meta.url, 'callOut', [{ words, thread: WORKERS[0], rounds }]);
  for (let round = 0; round < rounds; round++) {
    await Promise.race([call.waitAsync(), worker]);
    call.reset();
    answer.set();
  }
  return (await worker)[0];
}

export const jobs = { passRounds, comeThrough, callOut };

async function passRounds({ words, marks, thread, rounds }) {
  const barrier = new Barrier(words, 0, thread);
  const tally = { early: 0, led: 0 };
  for (let round = 1; round <= rounds; round++) {
    await passOnce(marks, thread, round, tally, () => barrier.wait());
  }
  return tally;
}

/** Whoever passes early finds a word in which another has not yet written this round. */
async function passOnce(marks, thread, round, tally, wait) {
  Atomics.store(marks, thread, round);
  if ((await wait()).leader) tally.led++;
  for (const each of [PAGE, ...WORKERS]) if (Atomics.load(marks, each) < round) tally.early++;
}

function comeThrough({ words, counter, thread }) {
  new ManualResetEvent(words, 0, thread).wait();
  Atomics.add(counter, 0, 1);
  new Latch(words, 32, thread).countDown();
}

function callOut({ words, thread, rounds }) {
  const call = new ManualResetEvent(words, 0, thread);
  const answer = new ManualResetEvent(words, 32, thread);
  let answered = 0;
  for (let round = 0; round < rounds; round++) {
    call.set();
    answer.wait();
    answer.reset();
    answered++;
  }
  return { answered, calls: call.stats().timesSet, answers: answer.stats().timesSet };
}
