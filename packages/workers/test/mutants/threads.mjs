// Faults of what a thread does beside its tasks: the mill's own thread has to wait for its processor.

const givingWay = ['test/giving-way.test'];
const spinBudget = ['test/spin-budget.test'];

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
    edits: [['this.#budgetMs = Math.max(LEAST_MS, this.#budgetMs / 2);', '']],
    caughtBy: spinBudget,
    named: 'nothing comes',
  },
  {
    file: 'threads/spin-budget.js',
    fault: 'tasks that come late count as those that come at once',
    edits: [
      [
        'const most = round <= AT_ONCE ? MOST_AT_ONCE_MS : MOST_MS;',
        'const most = MOST_AT_ONCE_MS;',
      ],
    ],
    caughtBy: spinBudget,
    named: 'later',
  },
];
