// Faults of ops: outputs that get lost or come twice, chunks that see the wrong bytes, params that are taken for others.

export const mutants = [
  {
    file: 'dispatch/outbox.js',
    fault: 'a generator may be ahead by one output more than there are places',
    edits: [['this.#ahead < RUN_AHEAD', 'this.#ahead <= RUN_AHEAD']],
    caughtBy: ['generate'],
  },
  {
    file: 'flow/generate.js',
    fault: 'an op begins anew when its thread dies, though outputs of it were taken',
    edits: [['return this.#outbox.sent === 0;', 'return true;']],
    caughtBy: ['generate'],
  },
  {
    file: 'flow/generate.js',
    fault: 'slices on their way to a consumer who leaves are not released',
    edits: [['output.value.release();', '{}']],
    caughtBy: ['generate'],
  },
  {
    file: 'flow/generate.js',
    fault: 'outputs on their way when the thread dies are lost',
    edits: [['while (this.#outbox.hasOutput)', 'while (false)']],
    caughtBy: ['generate'],
  },
  {
    file: 'flow/run-ranges.js',
    fault: 'a range of a slice begins where its lead should',
    edits: [['this.offset = from - this.lead;', 'this.offset = from;']],
    caughtBy: ['split'],
  },
  {
    file: 'flow/reduction.js',
    fault: 'values are reduced the wrong way round',
    edits: [['merge(this.#value, value,', 'merge(value, this.#value,']],
    caughtBy: ['split'],
  },
  {
    file: 'flow/chunk.js',
    fault: 'the slice of the caller is released with a chunk of it',
    edits: [['this.own.input?.release()', 'this.inputSlice.release()']],
    caughtBy: ['split'],
  },
  {
    file: 'ops/loaded-ops.js',
    fault: 'what was set up is not torn down when the thread leaves',
    edits: [['for (const id of this.#loaded.keys()) this.#drop(id);', '']],
    caughtBy: ['setup'],
  },
  {
    file: 'worker.js',
    fault: 'a thread loads a built-in op from its file, with a second copy of what that imports',
    edits: [["'./ops/sha256.js': () => import('./ops/sha256.js'),", '']],
    caughtBy: ['test/joined.test'],
  },
];
