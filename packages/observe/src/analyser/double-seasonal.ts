/**
 * Holt–Winters with two seasons, one within the other: the hours of a day, and those of a week.
 *
 *   value at t  =  level + slope·t  +  day[t mod 24]  +  week[t mod 168]  +  what cannot be foretold
 *
 * Source: J. W. Taylor, "Short-term electricity demand forecasting using double seasonal exponential smoothing" (2003), in the
 * additive form with error correction. What differs: the seasons begin as means that are shrunk by how much of them is noise
 * (`shrunk-means`), which takes few weeks for what the recursion alone needs many for; and the slope is the median of those between
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

export class DoubleSeasonal {
  readonly #smoothing: Smoothing;
  readonly #slope: number;
  readonly #day: Float64Array;
  readonly #week: Float64Array;
  #level: number;
  /** The hour that comes next, counted from the epoch. */
  #hour: number;

  /**
   * Begins with what the hours of a history have in common. The recursion starts at its first hour, so feed it to `learn` after.
   *
   * @param firstHour the number of the first hour, from the epoch
   */
  constructor(history: ArrayLike<number>, firstHour: number, smoothing: Smoothing) {
    this.#smoothing = smoothing;
    this.#hour = firstHour;
    this.#slope = smoothing.grows ? slopeOf(history) : 0;
    const rest = Float64Array.from(history, (value, at) => value - this.#slope * at);
    const remove = (season: Float64Array, groupOf: (at: number) => number): void => {
      for (let at = 0; at < rest.length; at++) {
        rest[at] = (rest[at] as number) - (season[groupOf(at)] as number);
      }
    };
    const hourOfDay = (at: number): number => (firstHour + at) % DAY;
    const dayOfWeek = (at: number): number => Math.floor(((firstHour + at) % WEEK) / DAY);
    const hourOfWeek = (at: number): number => (firstHour + at) % WEEK;

    this.#level = rest.length === 0 ? 0 : rest.reduce((sum, value) => sum + value, 0) / rest.length;
    this.#day = shrunkMeans(rest, hourOfDay, DAY);
    remove(this.#day, hourOfDay);
    const weekdays = shrunkMeans(rest, dayOfWeek, 7);
    remove(weekdays, dayOfWeek);
    const slots = shrunkMeans(rest, hourOfWeek, WEEK);
    this.#week = slots.map((slot, at) => slot + (weekdays[Math.floor(at / DAY)] as number));
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

/** An hour's change, from the means of whole days; 0 where there is no clear one. */
export function slopeOf(history: ArrayLike<number>): number {
  const means = Array.from({ length: Math.floor(history.length / DAY) }, (_, day) => {
    let sum = 0;
    for (let at = day * DAY; at < (day + 1) * DAY; at++) sum += history[at] as number;
    return sum / DAY;
  });
  return Math.abs(mannKendallZ(means, 7)) > SIGNIFICANT ? theilSenSlope(means, 7) / DAY : 0;
}
