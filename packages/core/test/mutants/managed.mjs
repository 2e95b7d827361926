// Faults of core/managed's line: waits that are served out of order, too late, or never.

const LINE = ['test/managed/buffer-line.test'];

export const mutants = [
  {
    file: 'managed/buffer-line.js',
    fault: "what comes back is nobody's until the pools have it",
    edits: [['this.#onWaiting(() => this.#serveAll());', 'this.#onWaiting(() => {});']],
    caughtBy: LINE,
    named: 'before anybody else can ask',
  },
  {
    file: 'managed/buffer-line.js',
    fault: 'whoever comes is served before those who wait',
    edits: [['if (!this.#lines.get(key)?.waiters.length) { const buffer', '{ const buffer']],
    caughtBy: LINE,
    named: 'stands behind who waits',
  },
  {
    file: 'managed/buffer-line.js',
    fault: 'the less urgent come first',
    edits: [['a.rank - b.rank', 'b.rank - a.rank']],
    caughtBy: LINE,
    named: 'more urgent',
  },
  {
    file: 'managed/buffer-line.js',
    fault: 'a closed manager leaves those who wait alone',
    edits: [['waiter.reject(closed(waiter.size));', ';']],
    caughtBy: LINE,
    named: 'refused when the manager is closed',
  },
  {
    file: 'managed/buffer-line.js',
    fault: 'memory that others give back is not noticed',
    edits: [['if (this.#memory.acquireAsync)', 'if (false)']],
    caughtBy: LINE,
    named: 'memory that others give back',
  },
];
