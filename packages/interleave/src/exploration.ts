/**
 * An exploration: a case made ready to run, and the loop that runs one schedule after the other.
 */
import type { Case, Operation, World } from './case.js';
import type { Failure } from './failure.js';
import { realTime } from './machine/clock.js';
import { install, uninstall } from './machine/facade.js';
import { Runner } from './machine/runner.js';
import { State } from './machine/state.js';
import { instrument } from './machine/words.js';
import type { Report } from './report/report.js';
import { STOP, type Strategy } from './search/strategy.js';
import type { Settings } from './settings.js';
import { deadlock } from './report/deadlock.js';

/** How many schedules are run between two looks at the clock. */
const BETWEEN_LOOKS = 64;

export class Exploration {
  readonly state: State;
  readonly runner: Runner;
  readonly #case: Case;
  readonly #settings: Settings;
  readonly #words: Int32Array;
  readonly #world: World;
  readonly #started = realTime();
  #schedules = 0;
  #steps = 0;
  #longest = 0;
  #pruned = 0;

  constructor(of: Case, settings: Settings) {
    const state = new State(settings);
    const words = instrument(() => this.runner, state.words, 0, settings.words);
    const { invariant } = of;
    this.#case = of;
    this.#settings = settings;
    this.#words = words;
    this.state = state;
    this.runner = new Runner(of, state, words, invariant && (() => invariant(this.#world)));
    this.#world = worldOf(state, words, this.runner);
  }

  get failure(): Failure | undefined {
    return this.runner.failure;
  }

  /** Runs `explore` with the façade in place, after setting up the words. */
  within(explore: () => void): void {
    install(this.runner, this.#words);
    try {
      this.#case.setup?.({ words: this.#words });
      this.runner.start();
      explore();
    } finally {
      uninstall();
    }
  }

  /**
   * Runs the schedules that the strategy asks for, until one fails.
   *
   * @returns true when it had them all; false when a limit came first, or a failure
   */
  run(strategy: Strategy): boolean {
    const { state, runner } = this;
    runner.strategy = strategy;
    let actor = runner.choose();
    for (;;) {
      const from = state.depth;
      runner.proceed(actor);
      this.#steps += state.depth - from;
      if (state.depth > this.#longest) this.#longest = state.depth;
      if (!runner.failure && state.actors !== 0) this.#pruned++;
      else if (runner.failure || strategy.isNew()) {
        this.#schedules++;
        if (!runner.failure) this.#check();
        if (runner.failure) return false;
      }
      actor = strategy.backtrack(state);
      if (actor === STOP) break;
      if (this.#isEnough()) return false;
    }
    state.undoTo(0);
    return true;
  }

  report(complete: boolean, byPreemptions: readonly number[]): Report {
    const ms = realTime() - this.#started;
    return {
      name: this.#case.name,
      schedules: this.#schedules,
      complete,
      byPreemptions,
      steps: this.#steps,
      longest: this.#longest,
      pruned: this.#pruned,
      setAside: this.state.setAside,
      ms,
      perSecond: (this.#schedules * 1000) / Math.max(ms, 1),
    };
  }

  get schedules(): number {
    return this.#schedules;
  }

  #isEnough(): boolean {
    const { mostSchedules, mostMs } = this.#settings;
    if (this.#schedules >= mostSchedules) return true;
    if (mostMs === Infinity || (this.#schedules + this.#pruned) % BETWEEN_LOOKS !== 0) return false;
    return realTime() - this.#started >= mostMs;
  }

  /** Judges the state in which a schedule has ended. */
  #check(): void {
    const { state, runner } = this;
    if (state.live !== 0) {
      const message = deadlock(state, this.#case.nameOf);
      runner.fail({ code: 'ERR_DEADLOCK', message });
      return;
    }
    const { check } = this.#case;
    if (check) runner.judge('ERR_CHECK_FAILED', 'The check failed', () => check(this.#world));
  }
}

function worldOf(state: State, words: Int32Array, runner: Runner): World {
  const isKilled = (thread: number): boolean => (state.killed & (1 << thread)) !== 0;
  return {
    words,
    raw: state.words,
    get results(): unknown[] {
      return runner.results.map((result, thread) =>
        isKilled(thread) || (state.live & (1 << thread)) !== 0 ? undefined : result,
      );
    },
    get killed(): number[] {
      return runner.results.map((_, thread) => thread).filter(isKilled);
    },
    get history(): Operation[] {
      return runner.history.operations();
    },
  };
}
