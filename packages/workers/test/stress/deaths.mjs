// The deaths: every way in which a thread can end, in every situation, over and over on one mill. Each task must settle in
// time and as it should, and at the end no slice, no permit and no id may be held by the dead.

import { createMill } from '@millrace/workers';
import { workersOf } from '@millrace/workers/internal';
import { numbersFrom } from '../chance.mjs';
import * as ops from './death-ops.mjs';

const THREADS = 2;
const LARGE = 256 * 1024;
/** An endless loop is ended after this, and its thread after the grace. */
const TIMEOUT_MS = 200;
const GRACE_MS = 30;
/** Whatever takes longer hangs. A busy machine may take its time. */
const DEADLINE_MS = 60_000;

const STORM = 500;
/** So many threads are terminated in storms, in each round of all ways and situations. */
const STORM_KILLS = 10;

const WAYS = [
  'throw',
  'exit(0)',
  'exit(1)',
  'stray error',
  'rejection',
  'out of memory',
  'terminate',
  'endless loop',
];
const SITUATIONS = ['idle', 'busy', 'with slices', 'with a permit', 'in the dispatch loop'];

const ALL = SITUATIONS.flatMap((situation) => WAYS.map((how) => [situation, how]));

/** What a task may come to whose thread dies in this way, each time that it is tried. */
const OUTCOMES = {
  throw: ['ERR_OP_FAILED'],
  terminate: ['done'],
  'endless loop': ['ERR_TIMEOUT'],
};

/**
 * @param {{ deaths: number, seed?: number, say?: (line: string) => void }} options
 * @returns {Promise<{ deaths: number, rounds: number, tasks: number, slowestMs: number, slowest: string, faults: string[] }>}
 */
export async function dieInAllWays({ deaths, seed = 1, say = () => {} }) {
  const mill = await createMill({
    threads: THREADS,
    memory: 128 * 1024 * 1024,
    graceMs: GRACE_MS,
    maxConcurrentLargeOps: 1,
    largeObjectThreshold: LARGE,
    maxDeathsInARow: 1000,
    resourceLimits: { maxOldGenerationSizeMb: 24 },
  });
  const random = numbersFrom(seed);
  /** @type {string[]} */
  const faults = [];
  let rounds = 0;
  let slowestMs = 0;
  let slowest = '';
  try {
    for (; mill.stats().deaths < deaths && faults.length === 0; rounds++) {
      for (const [situation, how] of ALL) {
        const started = performance.now();
        const fault = await within(DEADLINE_MS, round(mill, situation, how, random));
        const ms = performance.now() - started;
        if (ms > slowestMs) [slowestMs, slowest] = [ms, `${how}, ${situation}`];
        if (!fault) continue;
        faults.push(`${how}, ${situation}: ${fault}`);
        break;
      }
      say(`${mill.stats().deaths} threads have died`);
    }
  } finally {
    await mill.close({ drain: false });
  }
  const stats = mill.stats();
  return { deaths: stats.deaths, rounds, tasks: stats.tasks.submitted, slowestMs, slowest, faults };
}

/** One death, or as many as the task has tries. Returns what was wrong. */
async function round(mill, situation, how, random) {
  const fault = await situations[situation](mill, how, random);
  if (fault) return fault;
  const sound = await settled(() => unsoundness(mill));
  if (sound) return sound;
  const sum = await outcomeOf(mill.run(ops.tiny, Uint8Array.of(7)));
  return sum === 'done' ? undefined : `a task after it came to ${sum}`;
}

const situations = {
  /** Nobody has a task: it is terminated, or killed by what a task has left behind, under tasks that must not suffer. */
  async idle(mill, how, random) {
    if (how === 'terminate') {
      await kill(mill, random);
      return undefined;
    }
    const marks = newMarks();
    const left = await outcomeOf(mill.run(ops.leavesBomb, some, { marks, how }));
    // It may go off before its own task has come to its end, and then it is tried again.
    if (left !== 'done' && left !== 'ERR_WORKER_DIED') return `its task came to ${left}`;
    const innocents = Array.from({ length: 8 }, () =>
      outcomeOf(mill.run(ops.turns, some, undefined, { timeoutMs: 2000 })),
    );
    const allowed = how === 'endless loop' ? ['done', 'ERR_TIMEOUT'] : ['done'];
    return wrong(await Promise.all(innocents), allowed);
  },

  busy: (mill, how) => die(mill, ops.dies, some, how),

  'with slices': (mill, how) => die(mill, ops.diesWithSlices, some, how),

  /** Its own operation is large, or one that it has submitted. */
  async 'with a permit'(mill, how) {
    const fault = await die(mill, ops.dies, new Uint8Array(LARGE), how);
    if (fault) return fault;
    const inner = await die(mill, ops.diesWithPermit, some, how);
    // A thread that has submitted keeps the slice in which it has written down what: until it ends.
    await Promise.all(workersOf(mill).map((worker) => worker.terminate()));
    return inner;
  },

  /** Among a storm of tiny tasks, at any moment of claiming and finishing. */
  async 'in the dispatch loop'(mill, how, random) {
    if (how !== 'terminate') {
      const outcomes = storm(mill);
      const fault = await die(mill, ops.dies, some, how);
      return fault ?? wrong(await outcomes, ['done']);
    }
    for (let kills = 0; kills < STORM_KILLS; kills++) {
      const outcomes = storm(mill);
      for (let turns = random() % 40; turns > 0; turns--) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await kill(mill, random);
      const fault = wrong(await outcomes, ['done']);
      if (fault) return fault;
    }
    return undefined;
  },
};

/** What many tiny tasks come to. */
function storm(mill) {
  return Promise.all(
    Array.from({ length: STORM }, (_, i) =>
      outcomeOf(mill.run(i % 4 === 0 ? ops.tinyOutput : ops.tiny, some)),
    ),
  );
}

/** Runs an op whose thread dies in this way, however often it is tried. */
async function die(mill, op, bytes, how) {
  const marks = newMarks();
  const limits = how === 'endless loop' ? { timeoutMs: TIMEOUT_MS } : {};
  const outcome = outcomeOf(mill.run(op, bytes, { marks, how, large: LARGE }, limits));
  if (how === 'terminate') {
    await until(() => Atomics.load(marks, 1) > 0);
    const on = Atomics.load(marks, 2);
    await workersOf(mill)
      .find(({ threadId }) => threadId === on)
      ?.terminate();
    Atomics.store(marks, 0, 1);
    Atomics.notify(marks, 0);
  }
  return wrong([await outcome], OUTCOMES[how] ?? ['ERR_WORKER_DIED']);
}

const some = Uint8Array.of(7);

function newMarks() {
  return new Int32Array(new SharedArrayBuffer(12));
}

/** Ends a thread, whatever it is at. */
async function kill(mill, random) {
  const workers = workersOf(mill);
  await workers[random() % Math.max(1, workers.length)]?.terminate();
}

/** What a task came to: `done`, or the code of its error. */
async function outcomeOf(promise) {
  try {
    await promise;
    return 'done';
  } catch (error) {
    return error.code ?? String(error);
  }
}

function wrong(outcomes, allowed) {
  const others = outcomes.filter((outcome) => !allowed.includes(outcome));
  return others.length > 0 ? `${others.length} came to ${others[0]}` : undefined;
}

/** What is held that nobody should hold, once all is quiet. */
function unsoundness(mill) {
  const { tasks, slices, largeOps, threads, health } = mill.stats();
  if (health !== 'ok') return `the mill is ${health}`;
  if (threads.length < THREADS) return `${threads.length} threads`;
  if (tasks.inFlight > 0) return `${tasks.inFlight} tasks in flight`;
  if (slices.live > 0) return `${slices.live} slices are lost`;
  if (largeOps.atWork + largeOps.waiting > 0) return `${largeOps.atWork} permits are lost`;
  const { dead } = mill.buffers.registry.stats();
  return dead.length > 0 ? `${dead.length} ids are not buried` : undefined;
}

/** Waits until nothing is wrong; what it is, if it stays so. */
async function settled(fault) {
  const deadline = performance.now() + DEADLINE_MS / 2;
  while (fault() !== undefined && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return fault();
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function within(ms, promise) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(`not settled within ${ms} ms`), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
