// Faults of observe/analyser: what is summed up, over which time, and what is concluded from it.

const patterns = ['analyser/patterns'];
const trends = ['analyser/trend-test', 'analyser/trends'];
const predictions = ['analyser/predictions'];

export const mutants = [
  {
    file: 'analyser/pattern.js',
    fault: 'a pool is as large as the mean number in use',
    edits: [['Math.max(tailOf(whole), Math.ceil(', '(Math.ceil(']],
    caughtBy: patterns,
  },
  {
    file: 'analyser/pattern.js',
    fault: 'a pool may be smaller than the mean number in use',
    edits: [[', Math.ceil(perMs * whole.lifetimes.mean - 1e-9))', ')']],
    caughtBy: patterns,
  },
  {
    file: 'analyser/pattern.js',
    fault: 'a lease ends before its time has been counted',
    edits: [
      ['end(lease, lifetimeMs, nowMs) { this.advance(nowMs);', 'end(lease, lifetimeMs, nowMs) {'],
    ],
    caughtBy: patterns,
  },
  {
    file: 'analyser/time-steps.js',
    fault: 'what is before the window is kept',
    edits: [['if (this.#cells.length > this.#count) this.#cells.shift();', '']],
    caughtBy: patterns,
  },
  {
    file: 'analyser/time-steps.js',
    fault: 'the step that goes on counts as whole',
    edits: [['? 1 : 0, -1);', '? 1 : 0);']],
    caughtBy: [...trends, ...predictions],
  },
  {
    file: 'analyser/moments.js',
    fault: 'moments are merged as if their means were the same',
    edits: [['(off * off * this.count * other.count) / count', '0']],
    caughtBy: ['analyser/sums'],
  },
  {
    file: 'analyser/buffer-analyzer.js',
    fault: 'a lease whose return was missed goes on for ever',
    edits: [
      ['this.#end(this.#leases.begin(id, lease), undefined);', 'this.#leases.begin(id, lease);'],
    ],
    caughtBy: patterns,
  },
  {
    file: 'analyser/buffer-analyzer.js',
    fault: 'idle tags keep their places',
    edits: [['this.#tags.delete(key)', 'void key']],
    caughtBy: patterns,
  },
  {
    file: 'analyser/trend-test.js',
    fault: 'neighbours that are alike count in full',
    edits: [['return rho >= 1 / 3 ? 2 : Math.max(1, (1 + rho) / (1 - rho));', 'return 1;']],
    caughtBy: trends,
  },
  {
    file: 'analyser/trend-test.js',
    fault: 'a trend need not be significant',
    edits: [['&& Math.abs(mannKendallZ(values)) > SIGNIFICANT', '']],
    caughtBy: trends,
  },
  {
    file: 'analyser/trend-test.js',
    fault: 'the least change is a trend',
    edits: [['Math.abs(change) >= NEGLIGIBLE &&', '']],
    caughtBy: trends,
  },
  {
    file: 'analyser/double-seasonal.js',
    fault: 'all days of the week are alike',
    edits: [['return slot + weekday + profiles[kindOf(kinds, at)];', 'return 0 * slot;']],
    caughtBy: predictions,
  },
  {
    file: 'analyser/double-seasonal.js',
    fault: 'the days of the week are of one kind',
    edits: [['const kinds = kindsOfDays(rest, hourOfWeek);', 'const kinds = 0;']],
    caughtBy: ['analyser/forecast'],
  },
  {
    file: 'analyser/shrunk-means.js',
    fault: 'noise is taken for seasons',
    edits: [['ratio > least ? 1 - 1 / ratio : 0', '1']],
    caughtBy: ['analyser/sums'],
  },
  {
    file: 'analyser/forecast.js',
    fault: 'the first settings are taken, whatever the trials say',
    edits: [['trial.error < least.error ? trial : least', 'trial.error < 0 ? trial : least']],
    caughtBy: ['analyser/forecast'],
  },
  {
    file: 'analyser/demand-history.js',
    fault: 'what is in use when an hour begins is not of its peak',
    edits: [
      [
        'this.#hours.advance(nowMs, (hour) => this.#raisePeaks(hour));',
        'this.#hours.advance(nowMs, () => {});',
      ],
    ],
    caughtBy: predictions,
  },
  {
    file: 'analyser/demand-history.js',
    fault: 'the forecasts of the first hour stand for ever',
    edits: [
      ['if (this.#latest?.firstHour === firstHour && whole.length > 0)', 'if (this.#latest)'],
    ],
    caughtBy: predictions,
  },
  {
    file: 'analyser/predictions.js',
    fault: 'an hour of which the span has only a part is left out',
    edits: [['Math.ceil(endMs / HOUR_MS)', 'Math.floor(endMs / HOUR_MS)']],
    caughtBy: predictions,
  },
  {
    file: 'analyser/predictions.js',
    fault: 'a peak is told of without confidence',
    edits: [
      ['if (confidenceOf(forecasts.leases.trials) < confidenceThreshold) return undefined;', ''],
    ],
    caughtBy: ['analyser/trends'],
  },
  {
    file: 'analyser/pattern.js',
    fault: 'a use that stands for many counts once',
    edits: [['this.leases += times * weight;', 'this.leases += times;']],
    caughtBy: patterns,
  },
  {
    file: 'analyser/pattern.js',
    fault: 'what chance adds to a sample counts for pool sizes',
    edits: [['variance - (weight - 1) * mean', 'variance']],
    caughtBy: patterns,
  },
  {
    file: 'analyser/demand-history.js',
    fault: 'a use that stands for many is one of demand',
    edits: [['this.#inUse[of] += weight;', 'this.#inUse[of] += 1;']],
    caughtBy: patterns,
  },
  {
    file: 'analyser/trend-window.js',
    fault: 'a use that stands for many ends as one',
    edits: [['this.#inUse -= weight;', 'this.#inUse -= 1;']],
    caughtBy: patterns,
  },
  {
    file: 'analyser/predictions.js',
    fault: 'what this hour has needed so far is forgotten',
    edits: [['first === 0 ? soFar : 0', '0']],
    caughtBy: predictions,
  },
  {
    file: 'analyser/predictions.js',
    fault: 'a forecast is sure without trials',
    edits: [
      ['if (leases.trials === undefined) return 0;', 'if (leases.trials === undefined) return 1;'],
    ],
    caughtBy: predictions,
  },
  {
    file: 'analyser/predictions.js',
    fault: 'each class counts the same for confidence',
    edits: [
      ['error += history.meanBytes(of) * (trials?.error ?? 0);', 'error += trials?.error ?? 0;'],
    ],
    caughtBy: predictions,
  },
  {
    file: 'analyser/forecast.js',
    fault: 'confidence does not go by what was foretold',
    edits: [['1 - (error / variation) ** 2', '1']],
    caughtBy: ['analyser/forecast'],
  },
];
