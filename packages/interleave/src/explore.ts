/**
 * The face: explore a case, replay one of its schedules.
 */
import type { Case } from './case.js';
import { Exploration } from './exploration.js';
import type { Failure, FailureCode } from './failure.js';
import type { Report } from './report/report.js';
import { Schedule } from './report/schedule.js';
import { actorsIn, seedOf } from './report/seed.js';
import { DepthFirst } from './search/depth-first.js';
import { Dpor } from './search/dpor.js';
import { Follow } from './search/follow.js';
import { RandomSearch } from './search/random.js';
import { Settings } from './settings.js';

/** A schedule of a case that fails. Its message tells the schedule step by step. */
export class InterleavingError extends Error {
  readonly code: FailureCode;
  /** Replays the schedule: see {@link replay}. */
  readonly seed: string;
  /** The schedule, a line an access. */
  readonly schedule: readonly string[];
  /** What was explored up to there. */
  readonly report: Report;

  constructor(failure: Failure, seed: string, schedule: readonly string[], report: Report) {
    const { name, schedules } = report;
    super(
      `${name}: ${failure.message}\n${schedule.join('\n')}\nFound in schedule ${schedules}. Replay it with the seed "${seed}"`,
      { cause: failure.cause },
    );
    this.name = 'InterleavingError';
    this.code = failure.code;
    this.seed = seed;
    this.schedule = schedule;
    this.report = report;
  }
}

/**
 * Runs the schedules of a case, until one fails.
 *
 * During the call `Atomics` is a façade; nothing else may run meanwhile, and nothing does, as all is synchronous.
 *
 * @throws InterleavingError when a schedule fails
 * @throws RangeError when an option of the case is out of range
 */
export function explore(of: Case): Report {
  const settings = new Settings(of);
  const exploration = new Exploration(of, settings);
  const byPreemptions: number[] = [];
  let complete = true;
  exploration.within(() => {
    if (exploration.failure) return;
    const { mode } = settings;
    if (mode.kind === 'random') {
      exploration.run(new RandomSearch(mode.schedules, mode.seed ?? 1, mode.depth ?? 3));
      complete = false;
    } else if (mode.preemptions === undefined) {
      const reduced = mode.reduction === 'dpor';
      complete = exploration.run(reduced ? new Dpor(exploration.state) : new DepthFirst(Infinity));
    } else {
      for (let bound = 0; bound <= mode.preemptions && complete; bound++) {
        const before = exploration.schedules;
        complete = exploration.run(new DepthFirst(bound));
        byPreemptions.push(exploration.schedules - before);
      }
    }
  });
  const report = exploration.report(complete, byPreemptions);
  if (!exploration.failure) return report;
  const { trace, depth } = exploration.state;
  throw failed(of, settings, trace.actor.slice(0, depth), exploration.failure, report);
}

/**
 * Runs the one schedule of a case that `seed` names, from {@link InterleavingError.seed}.
 *
 * @returns the schedule, a line an access, when it does not fail
 * @throws InterleavingError when it does
 * @throws RangeError when the seed is none, or none of this case as it is now
 */
export function replay(of: Case, seed: string): string[] {
  const settings = new Settings(of);
  const { exploration, follow, schedule } = followed(of, settings, actorsIn(seed));
  if (follow.lostAt >= 0) {
    throw new RangeError(
      `Cannot replay "${seed}" as its step ${follow.lostAt} is not possible: the case has changed`,
    );
  }
  const { failure, state } = exploration;
  if (!failure) return schedule;
  const lived = seedOf(state.trace.actor, state.depth);
  throw new InterleavingError(failure, lived, schedule, exploration.report(false, []));
}

function failed(
  of: Case,
  settings: Settings,
  actors: ArrayLike<number>,
  failure: Failure,
  report: Report,
): InterleavingError {
  const { exploration, schedule } = followed(of, settings, Array.from(actors));
  const seed = seedOf(actors, actors.length);
  if (exploration.failure?.code === failure.code) {
    return new InterleavingError(failure, seed, schedule, report);
  }
  const message = `${failure.message}; but its schedule went otherwise when it was run again, so the code depends on more than the words`;
  return new InterleavingError({ ...failure, message }, seed, schedule, report);
}

/** Runs one schedule and writes down what happens. */
function followed(
  of: Case,
  settings: Settings,
  actors: readonly number[],
): { exploration: Exploration; follow: Follow; schedule: string[] } {
  const exploration = new Exploration(of, settings);
  const { runner, state } = exploration;
  const schedule = new Schedule(state, of.nameOf);
  const follow = new Follow(actors);
  runner.observe(schedule);
  exploration.within(() => {
    if (!exploration.failure) exploration.run(follow);
  });
  return { exploration, follow, schedule: schedule.lines() };
}
