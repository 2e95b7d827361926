// Workers that are terminated: everything that they held comes back.

import { Mutex, SIZE_CLASSES, Semaphore } from '../../../dist/entries/index.js';
import {
  createPools,
  fill,
  invitationTo,
  join,
  leaseEverything,
  randomFrom,
  wrongBytes,
} from '../site/memory.mjs';
import { changed, kill, sharedWords, signal, start, turn } from '../site/threads.mjs';

const MIB = 2 ** 20;
const LOCK_AT = 32;
const PERMITS_AT = 64;

/** A worker sleeps with a slice of every class, a mutex and permits until it is terminated. */
export async function heldByTheDead() {
  const pools = createPools(64 * MIB);
  const invitation = invitationTo(pools);
  const words = sharedWords(PERMITS_AT + Semaphore.words());
  Semaphore.init(words, PERMITS_AT, { total: 5 });
  const mutex = new Mutex(words, LOCK_AT, pools.thread);
  const semaphore = new Semaphore(words, PERMITS_AT, pools.thread);

  const worker = start(import.meta.url, 'holdAndSleep', { invitation, words });
  await Promise.race([changed(words, 0, 0), worker.result]);
  // This page stands in line for both while the holder dies.
  const locked = mutex.lockAsync();
  const granted = semaphore.acquireAsync(2);
  const liveBefore = pools.stats().slices.live;
  await kill(worker);
  mutex.reclaim(invitation.thread);
  semaphore.reclaim(invitation.thread);
  const swept = pools.sweep(invitation.thread, 0);
  const sweptAgain = pools.sweep(invitation.thread, 0);

  const outcome = await locked;
  await granted;
  return {
    classes: SIZE_CLASSES.length,
    liveBefore,
    swept,
    sweptAgain,
    live: pools.stats().slices.live,
    outcome,
    free: semaphore.stats().free,
    lostBytes: pools.stats().memoryBytes - leaseEverything(pools),
  };
}

/** Workers lease and release all the time. All but one are terminated in the midst of it, and swept while that one goes on. */
export async function killedAnywhere() {
  const pools = createPools(64 * MIB);
  const stop = sharedWords(1);
  const churners = Array.from({ length: 4 }, () => {
    const invitation = invitationTo(pools);
    const progress = sharedWords(2);
    const worker = start(import.meta.url, 'churn', { invitation, stop, progress });
    return { ...worker, thread: invitation.thread, progress };
  });
  await Promise.all(
    churners.map(({ progress, result }) => Promise.race([changed(progress, 0, 0), result])),
  );
  const [survivor, ...victims] = churners;
  await Promise.race([Promise.all(victims.map(kill)), survivor.result]);
  const leasesAtDeath = victims.map(({ progress }) => Atomics.load(progress, 1));
  let swept = 0;
  for (const { thread } of victims) swept += pools.sweep(thread, 0);
  // The survivor gets what the dead held. It and the counts would tell if any of them were still at work.
  const goal = Atomics.load(survivor.progress, 1) + 1000;
  while (Atomics.load(survivor.progress, 1) < goal) await turn();
  Atomics.store(stop, 0, 1);
  const { faults, leases } = await survivor.result;
  pools.sweep(survivor.thread, 0);
  const { slices, memoryBytes } = pools.stats();
  const { alive } = pools.registry.stats();
  const goneOn = victims.filter(
    ({ progress }, index) => Atomics.load(progress, 1) !== leasesAtDeath[index],
  );
  return {
    faults,
    goneOn: goneOn.length,
    survivorWorked: leases > 0,
    someWereHolding: swept > 0,
    sweptAsCounted: slices.swept === swept,
    live: slices.live,
    alive,
    lostBytes: memoryBytes - leaseEverything(pools),
  };
}

export const jobs = { holdAndSleep, churn };

function holdAndSleep({ invitation, words }) {
  const pools = join(invitation);
  for (const bytes of SIZE_CLASSES) fill(pools.acquire(bytes).bytes, bytes);
  new Mutex(words, LOCK_AT, pools.thread).lock();
  new Semaphore(words, PERMITS_AT, pools.thread).acquire(4);
  signal(words, 0);
  Atomics.wait(words, 1, 0);
}

/**
 * Leases, fills, checks and releases up to eight slices until `stop`. Word 0 of `progress` tells when it has done so for a
 * while, word 1 how often.
 */
function churn({ invitation, stop, progress }) {
  const pools = join(invitation);
  const random = randomFrom(invitation.thread * 7919);
  const held = [];
  const tally = { faults: 0, leases: 0 };
  const release = () => {
    const { slice, seed } = held.shift();
    tally.faults += wrongBytes(slice.bytes, seed);
    slice.release();
  };
  while (Atomics.load(stop, 0) === 0) {
    const slice = pools.acquire(1 + (random() % 40_000));
    const seed = random() & 0xff;
    fill(slice.bytes, seed);
    held.push({ slice, seed });
    if (held.length > 8) release();
    Atomics.store(progress, 1, ++tally.leases);
    if (tally.leases === 200) signal(progress, 0);
  }
  while (held.length > 0) release();
  return tally;
}
