/**
 * Schedules: runs a few threads of blocking code within one real thread, in random orders of their
 * atomic operations, and kills some of them anywhere.
 *
 *   results of thread 1   load 0 │ compareExchange 0 │ store │        ◀── then one step more
 *
 * A thread is suspended by an exception at its next step, and resumed by running it again from its
 * start with the results that its steps have had so far. So its code must do nothing but atomic
 * operations and what it is told by {@link Stage.once}. `Atomics.wait` and `notify` are modelled: when
 * all who live sleep for good, a wake-up was lost. A seed makes a schedule; it fails again with it.
 */
import type { ThreadId } from '@millrace/core';

/** What a thread of a play may do beside atomic operations. */
export interface Stage {
  readonly thread: ThreadId;
  /** Does something to the world outside shared memory, once, however often the thread is run again. */
  readonly once: <Result>(act: () => Result) => Result;
}

/** An atomic operation as it happened: `Atomics[name](words, at, ...values)` gave `result`. */
export interface Step {
  readonly thread: ThreadId;
  readonly name: string;
  readonly at: number;
  readonly values: readonly unknown[];
  readonly result: unknown;
}

export interface Play {
  readonly words: Int32Array;
  /** Thread 1 is the first. */
  readonly threads: ((stage: Stage) => void)[];
  /** How many of the threads a schedule may kill. @defaultValue 0 */
  readonly kills?: number;
  /** What the sweeper does when `dead` has died. It has an id of its own, and can die too. */
  readonly reclaim?: (dead: ThreadId, stage: Stage) => void;
  /** Is told of each step; throws when it should not have happened. */
  readonly watch?: (step: Step) => void;
  /** Called at the end, when all threads have finished or died; throws when something is wrong. */
  readonly check?: (dead: readonly ThreadId[]) => void;
}

const suspended = new Error('The thread is suspended');
const OPERATIONS = [
  'load',
  'store',
  'add',
  'sub',
  'and',
  'or',
  'exchange',
  'compareExchange',
] as const;
const MOST_STEPS = 20_000;
/** The operations themselves, whatever `Atomics` is made to be later. */
const real = Object.fromEntries(OPERATIONS.map((name) => [name, Atomics[name]])) as Record<
  string,
  (...args: unknown[]) => unknown
>;

interface Player {
  readonly thread: ThreadId;
  readonly act: (stage: Stage) => void;
  readonly results: unknown[];
  state: 'ready' | 'asleep' | 'done' | 'dead';
  /** Asleep with a time limit: may be woken by it at any time. */
  hasLimit: boolean;
  sleepsAt: number;
  readonly mortal: boolean;
  /** The dead that it has to sweep, if it is a sweeper. */
  readonly duties: readonly ThreadId[];
}

/** Runs `makePlay` under `count` schedules; returns how many steps they had in all. */
export function playSchedules(count: number, makePlay: () => Play, firstSeed = 1): number {
  let steps = 0;
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const script: string[] = [];
    try {
      steps += playOne(makePlay(), seed, script);
    } catch (error) {
      const tail = script.slice(-60).join('\n  ');
      throw new Error(`Schedule ${seed} fails: ${String(error)}\n  ${tail}`, { cause: error });
    }
  }
  return steps;
}

function playOne(play: Play, seed: number, script: string[]): number {
  const random = randomFrom(seed * 2_654_435_761);
  const chance = (): number => random() / 2 ** 32;
  const players: Player[] = [];
  const dead: ThreadId[] = [];
  const sleepers: Player[] = [];
  let killsLeft = play.kills ?? 0;
  let steps = 0;

  const enter = (act: Player['act'], mortal: boolean, duties: readonly ThreadId[]): void => {
    const thread = (players.length + 1) as ThreadId;
    const fresh = { state: 'ready', hasLimit: false, sleepsAt: 0 } as const;
    players.push({ ...fresh, results: [], thread, act, mortal, duties });
  };
  for (const act of play.threads) enter(act, true, []);
  // Short runs of one thread, or long ones: different mistakes need different ones.
  const staying = [0.3, 0.7, 0.9][seed % 3]!;
  const killing = killsLeft > 0 ? 0.02 + 0.1 * chance() : 0;

  for (;;) {
    const ready = players.filter(
      ({ state, hasLimit }) => state === 'ready' || (state === 'asleep' && hasLimit),
    );
    if (ready.length === 0) {
      const asleep = players.filter(({ state }) => state === 'asleep');
      if (asleep.length === 0) break;
      throw new Error(`Threads ${asleep.map(({ thread }) => thread).join(', ')} sleep for ever`);
    }
    const player = ready[random() % ready.length]!;
    if (player.mortal && killsLeft > 0 && chance() < killing) {
      kill(player);
      continue;
    }
    if (player.state === 'asleep') {
      sleepers.splice(sleepers.indexOf(player), 1);
      wake(player, 'timed-out');
    }
    let run = 1;
    while (chance() < staying) run++;
    perform(player, run);
    if (steps > MOST_STEPS) throw new Error(`It takes more than ${MOST_STEPS} steps`);
  }
  play.check?.(dead);
  return steps;

  function kill(player: Player): void {
    killsLeft--;
    script.push(`${player.thread} dies`);
    const at = sleepers.indexOf(player);
    if (at >= 0) sleepers.splice(at, 1);
    player.state = 'dead';
    dead.push(player.thread);
    // A sweeper that dies leaves its duties to the next one.
    const duties = [player.thread, ...player.duties];
    enter((stage) => duties.forEach((duty) => play.reclaim?.(duty, stage)), killsLeft > 0, duties);
  }

  function wake(player: Player, result: string): void {
    player.results.push(result);
    player.state = 'ready';
    script.push(`${player.thread} wakes: ${result}`);
  }

  /** Runs `player` again from its start, and `more` steps further. */
  function perform(player: Player, more: number): void {
    let cursor = 0;
    let left = more;
    let stopped = false;
    const step = (name: string, args: unknown[], act: () => unknown): unknown => {
      if (stopped) throw suspended;
      if (cursor < player.results.length) return player.results[cursor++];
      if (left === 0) {
        stopped = true;
        throw suspended;
      }
      left--;
      steps++;
      const result = act();
      script.push(`${player.thread} ${name}(${args.slice(1).join(', ')}) = ${String(result)}`);
      if (play.watch !== undefined && name !== 'once') {
        const [, at, ...values] = args;
        play.watch({ thread: player.thread, name, at: at as number, values, result });
      }
      if (result === suspended) {
        stopped = true;
        throw suspended;
      }
      player.results.push(result);
      cursor++;
      return result;
    };
    const facade: Record<string, unknown> = {};
    for (const name of OPERATIONS) {
      facade[name] = (...args: unknown[]) => step(name, args, () => real[name]!(...args));
    }
    facade['wait'] = (words: Int32Array, at: number, value: number, timeoutMs: number) =>
      step('wait', [words, at, value, timeoutMs], () => {
        if (words[at] !== value) return 'not-equal';
        if (timeoutMs === 0) return 'timed-out';
        player.state = 'asleep';
        player.hasLimit = timeoutMs < Infinity;
        player.sleepsAt = at;
        sleepers.push(player);
        return suspended;
      });
    facade['notify'] = (words: Int32Array, at: number, count = Infinity) =>
      step('notify', [words, at, count], () => {
        const due = sleepers.filter(({ sleepsAt }) => sleepsAt === at).slice(0, count);
        for (const sleeper of due) {
          sleepers.splice(sleepers.indexOf(sleeper), 1);
          wake(sleeper, 'ok');
        }
        return due.length;
      });
    const stage: Stage = {
      thread: player.thread,
      once: <Result>(act: () => Result) => step('once', [], act) as Result,
    };
    const atomics = globalThis.Atomics;
    globalThis.Atomics = facade as unknown as typeof Atomics;
    try {
      player.act(stage);
      if (!stopped) player.state = 'done';
    } catch (error) {
      if (!stopped) throw error;
    } finally {
      globalThis.Atomics = atomics;
    }
  }
}

/** G. Marsaglia, "Xorshift RNGs", 2003. */
export function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
