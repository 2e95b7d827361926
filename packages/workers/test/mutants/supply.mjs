// Faults of workers/supply and of what goes by it: memory that is waited for and kept, bytes that are read into the
// slice of the whole object, windows that do not heed how short memory is.

export const mutants = [
  {
    file: 'flow/run.js',
    fault: 'what waits for memory sees what its caller has done with the bytes since',
    edits: [
      [
        'data instanceof Uint8Array ? data.slice() : undefined',
        'data instanceof Uint8Array ? data : undefined',
      ],
    ],
    caughtBy: ['test/adaptive/memory-line.test'],
    named: 'as they were',
  },
  {
    file: 'supply/memory-line.js',
    fault: 'an input is kept while there is no output for it',
    edits: [['this.#undo(input);', ';']],
    caughtBy: ['test/adaptive/memory-line.test'],
    named: 'an input and an output',
  },
  {
    file: 'supply/plan.js',
    fault: 'windows are what they are however short memory is',
    edits: [["if (pressure === 'critical')\n            return threadCount;", '']],
    caughtBy: ['test/adaptive/memory-line.test'],
    named: 'smaller',
  },
  {
    file: 'threads/execution.js',
    fault: 'a range is read with all that lies before it in the slice of the whole file',
    edits: [['direct ? start - (start % PAGE_BYTES) : start', '0']],
    caughtBy: ['test/adaptive/strategies.test'],
    named: 'changed in place',
  },
];
