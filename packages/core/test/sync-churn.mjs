// A thread that uses all structures of the sync room at random until it is killed, or told to stop. What it does under
// each of them shows when somebody else is there who must not be, or when a death went untold.

import {
  Barrier,
  Condition,
  Latch,
  ManualResetEvent,
  Mutex,
  Once,
  RwLock,
  Semaphore,
} from '@millrace/core';

/** Two words on different lines that are equal whenever nobody is between writing the one and the other. */
const SECOND = 32;

/** What can go wrong, in the order in which it is counted. */
const FAULTS = ['mutex', 'semaphore', 'write', 'read', 'once'];

/**
 * `at` says where each structure lies in `words`, `data` where the plain words lie that they guard. The latch at `begun`
 * is counted down after `beginAt` rounds. With `tasks` the thread uses the async forms, in so many tasks.
 */
export async function churn(orders) {
  const { words, at, data, thread, stop, begun, beginAt, tasks } = orders;
  const kit = {
    ...orders,
    mutex: new Mutex(words, at.mutex, thread),
    semaphore: new Semaphore(words, at.semaphore, thread),
    rwLock: new RwLock(words, at.rwLock, thread),
    boxMutex: new Mutex(words, at.boxMutex, thread),
    condition: new Condition(words, at.condition, thread),
    barrier: new Barrier(words, at.barrier, thread),
    event: new ManualResetEvent(words, at.event, thread),
    guarded: data.subarray(at.guarded),
    written: data.subarray(at.written),
    box: data.subarray(at.box),
    marks: data.subarray(at.marks, at.marks + 16),
    next: data.subarray(at.next),
    random: randomFrom(orders.seed),
    tally: { rounds: 0, timeouts: 0 },
  };
  const begin = () => {
    if (kit.tally.rounds === beginAt) new Latch(words, begun, thread).countDown();
  };
  if (tasks > 0) {
    const task = async () => {
      while (Atomics.load(stop, 0) === 0) {
        await patiently(kit, () => pick(asyncSteps, kit.random)(kit));
        kit.tally.rounds++;
        begin();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all(Array.from({ length: tasks }, task));
  } else {
    while (Atomics.load(stop, 0) === 0) {
      await patiently(kit, () => pick(steps, kit.random)(kit));
      kit.tally.rounds++;
      if (kit.tally.rounds === beginAt) lastActs[orders.seed % lastActs.length](kit, begin);
    }
  }
  return kit.tally;
}

/** The first four, the locks and permits, more often than the rest, which is mostly waiting. */
function pick(choice, random) {
  return choice[random() % (random() % 4 === 0 ? choice.length : 4)];
}

async function patiently(kit, step) {
  try {
    await step();
  } catch (error) {
    if (!/ERR_(TIMEOUT|ABORTED)/.test(error.code)) throw error;
    kit.tally.timeouts++;
  }
}

const steps = [
  (kit) => {
    guard(kit, kit.mutex.lock());
    kit.mutex.unlock();
  },
  (kit) => {
    const weight = 1 + (kit.random() % kit.total);
    kit.semaphore.acquire(weight, limits(kit));
    borrow(kit, weight);
    payBack(kit, weight);
    kit.semaphore.release(weight);
  },
  (kit) => {
    read(kit, kit.rwLock.readLock(limits(kit)));
    kit.rwLock.readUnlock();
  },
  (kit) => {
    write(kit, kit.rwLock.writeLock(limits(kit)));
    kit.rwLock.writeUnlock();
  },
  (kit) => {
    kit.boxMutex.lock();
    kit.box[0]++;
    kit.condition.notifyOne();
    kit.boxMutex.unlock();
  },
  (kit) => {
    const hold = kit.boxMutex.hold();
    try {
      kit.condition.waitFor(kit.boxMutex, () => kit.box[0] > 0, { timeoutMs: 1 });
      kit.box[0]--;
    } finally {
      hold.release();
    }
  },
  (kit) => kit.barrier.wait({ timeoutMs: 1 }),
  (kit) => {
    const n = Atomics.load(kit.next, 0) % kit.onces;
    const once = new Once(kit.words, kit.at.onces + n * Once.WORDS, kit.thread);
    once.run(() => Atomics.add(kit.next, 1 + n, 1));
    if (Atomics.load(kit.next, 1 + n) === 0) fault(kit, 'once');
    Atomics.compareExchange(kit.next, 0, n, n + 1);
  },
  (kit) => {
    if (kit.random() % 2 === 0) kit.event.set();
    else kit.event.reset();
    kit.event.wait({ timeoutMs: 0.2 });
  },
];

/** What a thread is at when it says that it may be killed: it then takes its time. */
const lastActs = [
  (kit, begin) => begin(),
  (kit, begin) => {
    const outcome = kit.mutex.lock();
    kit.semaphore.acquire(1);
    borrow(kit, 1);
    guard(kit, outcome, begin);
    payBack(kit, 1);
    kit.semaphore.release(1);
    kit.mutex.unlock();
  },
  (kit, begin) => {
    write(kit, kit.rwLock.writeLock(), begin);
    kit.rwLock.writeUnlock();
  },
  (kit, begin) => {
    kit.rwLock.readLock();
    begin();
    linger(kit, 10_000);
    kit.rwLock.readUnlock();
  },
];

const asyncSteps = [
  async (kit) => {
    guard(kit, await kit.mutex.lockAsync(limits(kit)));
    kit.mutex.unlock();
  },
  async (kit) => {
    const weight = 1 + (kit.random() % kit.total);
    await kit.semaphore.acquireAsync(weight, limits(kit));
    borrow(kit, weight);
    await Promise.resolve();
    payBack(kit, weight);
    kit.semaphore.release(weight);
  },
  async (kit) => {
    read(kit, await kit.rwLock.readLockAsync(limits(kit)));
    kit.rwLock.readUnlock();
  },
  async (kit) => {
    write(kit, await kit.rwLock.writeLockAsync(limits(kit)));
    kit.rwLock.writeUnlock();
  },
  async (kit) => {
    const hold = await kit.boxMutex.holdAsync();
    try {
      await kit.condition.waitForAsync(kit.boxMutex, () => kit.box[0] > 0, { timeoutMs: 1 });
      kit.box[0]--;
    } finally {
      hold.release();
    }
  },
  async (kit) => {
    const hold = await kit.boxMutex.holdAsync();
    kit.box[0]++;
    kit.condition.notifyOne();
    hold.release();
  },
  async (kit) => kit.event.waitAsync({ timeoutMs: 1 }),
];

/** Sometimes none: who then loses a wake-up waits for ever. */
function limits({ random }) {
  return random() % 3 === 0 ? { timeoutMs: (random() % 20) / 10 } : undefined;
}

function guard(kit, outcome, begin) {
  const { guarded } = kit;
  if (outcome === 'abandoned') {
    Atomics.add(kit.data, kit.at.abandoned, 1);
    guarded[SECOND] = guarded[0];
  } else if (guarded[0] !== guarded[SECOND]) {
    // It is not alone, or was not told of a death.
    fault(kit, 'mutex');
  }
  guarded[0]++;
  begin?.();
  linger(kit, begin ? 10_000 : 64);
  guarded[SECOND]++;
}

function write(kit, outcome, begin) {
  const { written } = kit;
  if (outcome === 'abandoned') {
    Atomics.add(kit.data, kit.at.abandoned, 1);
    written[SECOND] = written[0];
  } else if (written[0] !== written[SECOND]) {
    fault(kit, 'write');
  }
  written[0]++;
  begin?.();
  linger(kit, begin ? 10_000 : 64);
  written[SECOND]++;
}

function read(kit, outcome) {
  if (outcome === 'clean' && kit.written[0] !== kit.written[SECOND]) fault(kit, 'read');
}

function borrow(kit, weight) {
  Atomics.add(kit.marks, kit.thread, weight);
  let sum = 0;
  for (let other = 0; other < kit.marks.length; other++) sum += Atomics.load(kit.marks, other);
  if (sum > kit.total) fault(kit, 'semaphore');
}

/** Takes a while, so that threads meet, and deaths fall into it. */
function linger({ random }, most) {
  const turns = random() % most;
  for (let n = 0; n < turns * turns; n++) if (Math.sqrt(n) < 0) throw new Error('Never');
}

function payBack({ marks, thread }, weight) {
  Atomics.sub(marks, thread, weight);
}

/** Counts a fault where it is seen even when its thread is killed. */
function fault({ data, at }, structure) {
  Atomics.add(data, at.faults + FAULTS.indexOf(structure), 1);
}

/** G. Marsaglia, "Xorshift RNGs", 2003. */
function randomFrom(seed) {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
