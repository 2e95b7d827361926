/**
 * The forecast of a series of hours, and how far it can be trusted: by how well it would have done so far.
 *
 * Which scale the series is additive in, and how fast to follow it, is not assumed but tried. The model learns the earlier part of the
 * history, then foretells each day of the latest week (half of the history, while that is shorter) from what came before that day. The
 * settings that err least are taken, and learn all.
 */
import { DAY, DoubleSeasonal, beginningOf, type Smoothing } from './double-seasonal.js';
import { median } from './trend-test.js';

/** Trials are of so many days at most. */
const TRIAL_DAYS = 7;

/** What is done to values before they are added up. Counts vary with the square root of their mean, products in proportion to it. */
interface Scale {
  readonly to: (value: number) => number;
  readonly from: (value: number) => number;
}

const SCALES: readonly Scale[] = [
  { to: (value) => value, from: (value) => value },
  { to: Math.sqrt, from: (value) => Math.max(0, value) ** 2 },
  { to: Math.log1p, from: Math.expm1 },
];

/** Without growth first: it has to be of use before it is believed. */
const SMOOTHINGS: readonly Smoothing[] = [false, true].flatMap((grows) =>
  [0, 0.02, 0.1, 0.3].flatMap((level) =>
    [0, 0.05, 0.2].map((season) => ({ level, season, grows })),
  ),
);

export interface Forecast {
  /** The hours to come, none below 0. */
  readonly values: Float64Array;
  /** How it did in the trials; `undefined` with less than two days of history. */
  readonly trials: Trials | undefined;
}

export interface Trials {
  /** Σ|actual − foretold| over the hours of the trials. */
  readonly error: number;
  /** Σ|actual − median of the actual| over the same. */
  readonly variation: number;
}

/**
 * 0 to 1: which share of what varied in the trials was foretold, 1 − (error / variation)², at least 0. What does not vary at all is
 * foretold or not: 1 or 0. Without trials, 0.
 *
 * So noise about a mean has a confidence of 0, however small it is.
 *
 * Source: J. E. Nash and J. V. Sutcliffe, "River flow forecasting through conceptual models" (1970). Theirs has squares where this has
 * absolute values, which give about the same for normal errors, and do not let one bad hour decide: D. R. Legates and G. J. McCabe (1999).
 */
export function confidenceOf(trials: Trials | undefined): number {
  if (trials === undefined) return 0;
  const { error, variation } = trials;
  if (variation === 0) return error === 0 ? 1 : 0;
  return Math.max(0, 1 - (error / variation) ** 2);
}

/**
 * Foretells the hours after a history.
 *
 * @param history values that are not negative, one an hour
 * @param firstHour the number of the first hour of the history, from the epoch: tells hours of the day and days of the week
 */
export function forecastHours(
  history: ArrayLike<number>,
  firstHour: number,
  hours: number,
): Forecast {
  const trialDays = Math.min(TRIAL_DAYS, Math.floor(history.length / DAY / 2));
  // As of classes that nobody uses: there is nothing to try.
  if (trialDays > 0 && isEven(history)) {
    const values = new Float64Array(hours).fill(history[0] as number);
    return { values, trials: { error: 0, variation: 0 } };
  }
  let best: Trial = {
    scale: SCALES[0] as Scale,
    smoothing: { level: 0.3, season: 0, grows: false },
    error: 0,
  };
  if (trialDays > 0) {
    const trials = SCALES.flatMap((scale) =>
      tried(Float64Array.from(history, scale.to), history, firstHour, scale, trialDays),
    );
    best = trials.reduce((least, trial) => (trial.error < least.error ? trial : least));
  }
  const scaled = Float64Array.from(history, best.scale.to);
  const beginning = beginningOf(scaled, firstHour, best.smoothing.grows);
  const model = new DoubleSeasonal(beginning, firstHour, best.smoothing);
  for (const value of scaled) model.learn(value);
  return {
    values: Float64Array.from({ length: hours }, (_, at) => foretold(model, best.scale, at + 1)),
    trials: trialDays === 0 ? undefined : trialsOf(history, trialDays, best.error),
  };
}

interface Trial {
  readonly scale: Scale;
  readonly smoothing: Smoothing;
  /** Σ|actual − foretold| over the hours of the trial. */
  readonly error: number;
}

/** One scale with each smoothing. */
function tried(
  scaled: Float64Array,
  history: ArrayLike<number>,
  firstHour: number,
  scale: Scale,
  days: number,
): Trial[] {
  const from = history.length - days * DAY;
  const learnt = scaled.subarray(0, from);
  const growing = beginningOf(learnt, firstHour, true);
  const grown = growing.slope !== 0;
  const level = grown ? beginningOf(learnt, firstHour, false) : growing;
  return SMOOTHINGS.filter(({ grows }) => grown || !grows).map((smoothing) => {
    const model = new DoubleSeasonal(smoothing.grows ? growing : level, firstHour, smoothing);
    for (const value of learnt) model.learn(value);
    let error = 0;
    for (let at = from; at < history.length; at += DAY) {
      for (let ahead = 0; ahead < DAY; ahead++) {
        error += Math.abs((history[at + ahead] as number) - foretold(model, scale, ahead + 1));
      }
      for (let ahead = 0; ahead < DAY; ahead++) model.learn(scaled[at + ahead] as number);
    }
    return { scale, smoothing, error };
  });
}

function isEven(history: ArrayLike<number>): boolean {
  for (let at = 1; at < history.length; at++) if (history[at] !== history[0]) return false;
  return true;
}

function foretold(model: DoubleSeasonal, scale: Scale, ahead: number): number {
  return Math.max(0, scale.from(model.forecast(ahead)));
}

function trialsOf(history: ArrayLike<number>, days: number, error: number): Trials {
  const actual = Float64Array.from(history).slice(-days * DAY);
  const middle = median([...actual]);
  const variation = actual.reduce((sum, value) => sum + Math.abs(value - middle), 0);
  // What rounding leaves is neither.
  const none = 1e-9 * actual.reduce((sum, value) => sum + value, 0);
  return { error: error <= none ? 0 : error, variation: variation <= none ? 0 : variation };
}
