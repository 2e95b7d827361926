// Faults of what a thread does beside its tasks: the mill's own thread has to wait for its processor.

const givingWay = ['test/giving-way.test'];
const spinBudget = ['test/spin-budget.test'];
const starting = ['test/starting.test'];

export const mutants = [
  {
    file: 'threads/drain.js',
    fault: 'a thread that breathes does not look who waits',
    edits: [['this.#givingWay.breathe(small);', '']],
    caughtBy: givingWay,
    named: 'has its turn',
  },
  {
    file: 'threads/giving-way.js',
    fault: 'a thread looks for the processor in the wrong place',
    edits: [['const PROCESSOR = 36;', 'const PROCESSOR = 35;']],
    caughtBy: givingWay,
    named: 'has its turn',
  },
  {
    file: 'threads/giving-way.js',
    fault: 'a thread does not look how long ago it looked',
    edits: [['if (now < this.#nextLookMs && !woken)', 'if (false)']],
    caughtBy: givingWay,
    named: 'no more than twice',
  },
  {
    file: 'threads/spin-budget.js',
    fault: 'a worker looks for as long, though nothing comes',
    edits: [['this.#budget.inVain();', '']],
    caughtBy: spinBudget,
    named: 'nothing comes',
  },
  {
    file: 'threads/spin-budget.js',
    fault: 'a worker does not learn that looking pays',
    edits: [['this.#budget.paid();', '']],
    caughtBy: spinBudget,
    named: 'something has come',
  },
  {
    file: 'threads/spin-budget.js',
    fault: 'a worker that was woken soon does not learn from it',
    edits: [['this.#since = startedAt;', '']],
    caughtBy: spinBudget,
    named: 'woken soon',
  },
  {
    file: 'threads/spin-budget.js',
    fault: 'a worker learns twice from one look',
    edits: [
      ['performance.now() - this.#since); this.#since = 0;', 'performance.now() - this.#since);'],
    ],
    caughtBy: spinBudget,
    named: 'without a look before',
  },
  {
    file: 'threads/crew.js',
    fault: 'all threads of a new mill start at once',
    edits: [['Math.min(count, Math.max(1, availableParallelism() - 1))', 'count']],
    caughtBy: starting,
    named: 'no more threads at once',
  },
  {
    file: 'threads/crew.js',
    fault: 'those that are to follow the first come only when tasks wait',
    edits: [['setTimeout(() => this.complete(), FOLLOW_AFTER_MS).unref();', 'undefined;']],
    caughtBy: starting,
    named: 'though nothing is asked of it',
  },
  {
    file: 'threads/crew.js',
    fault: 'as many follow as there are to be, whoever is there',
    edits: [['this.#least - this.#threads.all.length', 'this.#least']],
    caughtBy: starting,
    named: 'no more of them than it is to have',
  },
  {
    file: 'threads/crew.js',
    fault:
      'a thread that is there in the place of a dead one counts as one of those that are to follow',
    edits: [
      [
        'if (this.#threads.ready.length >= this.#least)',
        'this.hellos = (this.hellos ?? 0) + 1; if (this.hellos >= this.#least)',
      ],
    ],
    caughtBy: starting,
    named: 'one of the first has died',
  },
  {
    file: 'coordinator.js',
    fault: 'remote objects live where a thread is first',
    edits: [
      ['(this.crew.hosts.length === 0 || this.crew.incomplete)', 'this.crew.hosts.length === 0'],
    ],
    caughtBy: starting,
    named: 'do not crowd',
  },
  {
    file: 'threads/thread-memory.js',
    fault: 'a thread loads what leases, though it leases nothing',
    edits: [
      [
        'this.#table.arenas.onUnknown = onUnknownArena;',
        'this.#table.arenas.onUnknown = onUnknownArena; seldom();',
      ],
    ],
    caughtBy: ['test/joined.test'],
    named: 'when it leases',
  },
];
