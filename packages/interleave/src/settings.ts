/**
 * Settings: a case's options, checked and with their defaults.
 */
import type { Case, Mode } from './case.js';
import { MOST_THREADS } from './machine/actors.js';
import { MOST_WORDS } from './machine/operations.js';

const MOST_STEPS = 20_000;
const SPINS = 4;

const UNKNOWN = 0;
const ALLOWED = 1;
const REPORTED = 2;

export class Settings {
  readonly words: number;
  readonly threads: number;
  readonly kills: number;
  readonly sweeps: 'none' | 'interleaved' | 'atOnce' | 'last';
  readonly spins: number;
  readonly everyAccess: boolean;
  readonly readsOldest: boolean;
  readonly mode: Mode;
  readonly mostSchedules: number;
  readonly mostSteps: number;
  readonly mostMs: number;
  readonly #allowRaces: ((index: number) => boolean) | undefined;
  /** What `allowRaces` said, by word. */
  readonly #allowance: Uint8Array;

  /** @throws RangeError when an option is out of range */
  constructor(of: Case) {
    this.words = within('words', of.words, 1, MOST_WORDS);
    this.threads = within('threads', of.threads.length, 1, MOST_THREADS);
    this.kills = within('kills', of.kills ?? 0, 0, this.threads);
    this.sweeps = of.sweep && this.kills > 0 ? (of.sweeps ?? 'interleaved') : 'none';
    this.spins = within('spins', of.spins ?? SPINS, 1, 1000);
    this.everyAccess = of.points === 'all';
    this.readsOldest = of.racyReads === 'oldest';
    this.mode = modeOf(of);
    this.mostSchedules = within('most.schedules', of.most?.schedules ?? Infinity, 1, Infinity);
    this.mostSteps = within('most.steps', of.most?.steps ?? MOST_STEPS, 1, 2 ** 24);
    this.mostMs = within('most.ms', of.most?.ms ?? Infinity, 0, Infinity);
    this.#allowRaces = of.allowRaces;
    this.#allowance = new Uint8Array(of.allowRaces ? this.words : 0);
  }

  allowsRaces(index: number): boolean {
    if (this.#allowRaces === undefined) return false;
    const known = this.#allowance[index];
    if (known !== UNKNOWN) return known === ALLOWED;
    const allowed = this.#allowRaces(index);
    this.#allowance[index] = allowed ? ALLOWED : REPORTED;
    return allowed;
  }
}

function modeOf(of: Case): Mode {
  const mode = of.mode ?? { kind: 'exhaustive' };
  if (mode.kind === 'random') {
    within('mode.schedules', mode.schedules, 1, Infinity);
    within('mode.seed', mode.seed ?? 1, 0, 2 ** 32 - 1);
    within('mode.depth', mode.depth ?? 3, 1, 1000);
    return mode;
  }
  if (mode.preemptions === undefined) {
    return { kind: 'exhaustive', reduction: mode.reduction ?? (of.invariant ? 'none' : 'dpor') };
  }
  within('mode.preemptions', mode.preemptions, 0, 1000);
  if (mode.reduction === 'dpor') {
    throw new RangeError('Cannot reduce a search with "preemptions", as it needs every schedule');
  }
  return { kind: 'exhaustive', preemptions: mode.preemptions, reduction: 'none' };
}

function within(name: string, value: number, least: number, most: number): number {
  if ((Number.isInteger(value) || value === Infinity) && value >= least && value <= most) {
    return value;
  }
  throw new RangeError(
    `Cannot explore with "${name}" of ${String(value)} as it must be an integer from ${least} to ${most}`,
  );
}
