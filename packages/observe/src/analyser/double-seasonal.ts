/**
 * Holt–Winters with two seasons, one within the other: the hours of a day, and those of a week.
 *
 *   value at t  =  level + slope·t  +  day[t mod 24]  +  week[t mod 168]  +  what cannot be foretold
 *
 * Source: J. W. Taylor, "Short-term electricity demand forecasting using double seasonal exponential smoothing" (2003), in the
 * additive form with error correction. What differs: the seasons begin as means that are shrunk by how much of them is noise
 * (`shrunk-means`), which takes few weeks for what the recursion alone needs many for; days are of two kinds, as working days and weekends are, whose
 * hours are learnt from all days of the kind; and the slope is the median of those between
 * equal days of weeks, none unless the seasonal Kendall test finds one, since a smoothed slope runs away in a week.
 */
import { shrunkMeans } from './shrunk-means.js';
import { mannKendallZ, theilSenSlope } from './trend-test.js';

export const DAY = 24;
export const WEEK = 7 * DAY;

/** How fast the model follows what it sees, from 0, never, to 1, at once. */
export interface Smoothing {
  readonly level: number;
  readonly season: number;
  /** Whether it goes on growing as it has grown. */
  readonly grows: boolean;
}

/** Two-sided, 1 %. The seasonal Kendall test cannot find so much in less than three weeks. */
const SIGNIFICANT = 2.5758;

/** The best of 21 ways to tell kinds of days apart explains some 1.6 times as much as noise does, of noise. */
const CLEARLY = 2;

/** What the hours of a history have in common. */
export interface Beginning {
  readonly level: number;
  /** An hour's change. */
  readonly slope: number;
  readonly day: Float64Array;
  readonly week: Float64Array;
}

/**
 * Where a model begins.
 *
 * @param firstHour the number of the first hour, from the epoch
 * @param grows whether it may have a slope
 */
export function beginningOf(
  history: ArrayLike<number>,
  firstHour: number,
  grows: boolean,
): Beginning {
  const slope = grows ? slopeOf(history) : 0;
  const rest = Float64Array.from(history, (value, at) => value - slope * at);
  const remove = (season: Float64Array, groupOf: (at: number) => number): void => {
    for (let at = 0; at < rest.length; at++) {
      rest[at] = (rest[at] as number) - (season[groupOf(at)] as number);
    }
  };
  const hourOfDay = (at: number): number => (firstHour + at) % DAY;
  const dayOfWeek = (at: number): number => Math.floor(((firstHour + at) % WEEK) / DAY);
  const hourOfWeek = (at: number): number => (firstHour + at) % WEEK;

  const level = rest.length === 0 ? 0 : rest.reduce((sum, value) => sum + value, 0) / rest.length;
  const day = shrunkMeans(rest, hourOfDay, DAY);
  remove(day, hourOfDay);
  const weekdays = shrunkMeans(rest, dayOfWeek, 7);
  remove(weekdays, dayOfWeek);
  const kinds = kindsOfDays(rest, hourOfWeek);
  const hourOfKind = (at: number): number => kindOf(kinds, hourOfWeek(at));
  const profiles = shrunkMeans(rest, hourOfKind, 2 * DAY, CLEARLY);
  remove(profiles, hourOfKind);
  const slots = shrunkMeans(rest, hourOfWeek, WEEK);
  const week = slots.map((slot, at) => {
    const weekday = weekdays[Math.floor(at / DAY)] as number;
    return slot + weekday + (profiles[kindOf(kinds, at)] as number);
  });
  return { level, slope, day, week };
}

export class DoubleSeasonal {
  readonly #smoothing: Smoothing;
  readonly #slope: number;
  readonly #day: Float64Array;
  readonly #week: Float64Array;
  #level: number;
  /** The hour that comes next, counted from the epoch. */
  #hour: number;

  /**
   * Begins at the first hour of the history that the beginning is of: feed that to `learn` after.
   *
   * @param firstHour the number of that hour, from the epoch
   */
  constructor({ level, slope, day, week }: Beginning, firstHour: number, smoothing: Smoothing) {
    this.#smoothing = smoothing;
    this.#hour = firstHour;
    this.#slope = slope;
    this.#day = day.slice();
    this.#week = week.slice();
    this.#level = level;
  }

  /** Takes note of the value of the next hour. */
  learn(value: number): void {
    const day = this.#hour % DAY;
    const week = this.#hour % WEEK;
    const error = value - this.forecast(1);
    const { level, season } = this.#smoothing;
    this.#level += this.#slope + level * error;
    this.#day[day] = (this.#day[day] as number) + season * error;
    this.#week[week] = (this.#week[week] as number) + season * error;
    this.#hour += 1;
  }

  /** The value `ahead` hours after the last that was learnt. */
  forecast(ahead: number): number {
    const hour = this.#hour + ahead - 1;
    const season = (this.#day[hour % DAY] as number) + (this.#week[hour % WEEK] as number);
    return this.#level + this.#slope * (ahead - 1) + season;
  }
}

/** Bit d is set where day d of the week is of the second kind. */
type Kinds = number;

/** The hour of the day, among those of its kind. */
function kindOf(kinds: Kinds, slot: number): number {
  return (slot % DAY) + (((kinds >> Math.floor(slot / DAY)) & 1) === 1 ? DAY : 0);
}

/**
 * Which days of the week have hours alike, as working days and those of the weekend: of all ways to take some neighbouring days as one kind, and
 * the others as another, the one of which the hours of both have most in common, by least squares.
 */
function kindsOfDays(rest: ArrayLike<number>, hourOfWeek: (at: number) => number): Kinds {
  const sums = new Float64Array(WEEK);
  const counts = new Float64Array(WEEK);
  for (let at = 0; at < rest.length; at++) {
    const slot = hourOfWeek(at);
    sums[slot] = (sums[slot] as number) + (rest[at] as number);
    counts[slot] = (counts[slot] as number) + 1;
  }
  let best: Kinds = 0;
  let most = 0;
  for (let days = 1; days <= 3; days++) {
    for (let first = 0; first < 7; first++) {
      let kinds: Kinds = 0;
      for (let day = first; day < first + days; day++) kinds |= 1 << (day % 7);
      const explained = explainedBy(kinds, sums, counts);
      if (explained > most) [best, most] = [kinds, explained];
    }
  }
  return best;
}

/** Of the squares of all values, those of the means of the hours of both kinds. */
function explainedBy(kinds: Kinds, sums: Float64Array, counts: Float64Array): number {
  const [sum, count] = [new Float64Array(2 * DAY), new Float64Array(2 * DAY)];
  for (let slot = 0; slot < WEEK; slot++) {
    const kind = kindOf(kinds, slot);
    sum[kind] = (sum[kind] as number) + (sums[slot] as number);
    count[kind] = (count[kind] as number) + (counts[slot] as number);
  }
  return sum.reduce((all, each, kind) => all + (each === 0 ? 0 : each ** 2 / count[kind]!), 0);
}

/** An hour's change, from the means of whole days; 0 where there is no clear one. */
function slopeOf(history: ArrayLike<number>): number {
  const means = Array.from({ length: Math.floor(history.length / DAY) }, (_, day) => {
    let sum = 0;
    for (let at = day * DAY; at < (day + 1) * DAY; at++) sum += history[at] as number;
    return sum / DAY;
  });
  return Math.abs(mannKendallZ(means, 7)) > SIGNIFICANT ? theilSenSlope(means, 7) / DAY : 0;
}
