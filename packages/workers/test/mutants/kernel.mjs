// Faults of kernels on slices: the wrong arena, a copy that is not like the original, a module that would do damage.

const caughtBy = ['test/kernel.test'];

export const mutants = [
  {
    file: 'ops/kernel.js',
    fault: 'views onto two arenas are taken for views onto one',
    edits: [['if (!exports || (common && common !== exports))', 'if (!exports)']],
    caughtBy,
    named: 'several arenas',
  },
  {
    file: 'ops/kernel.js',
    fault: 'an instance is kept for whatever arena comes next',
    edits: [
      ['this.#instances.get(memory)', 'this.any'],
      ['this.#instances.set(memory,', 'void (this.any ='],
    ],
    caughtBy,
    named: 'one instance for each arena',
  },
  {
    file: 'ops/kernel.js',
    fault: 'views that overlap are copied apart',
    edits: [['if (!last || from >= last.to)', 'if (true)']],
    caughtBy,
    named: 'however its views lie',
  },
  {
    file: 'ops/kernel.js',
    fault: 'copies are not aligned as their originals are',
    edits: [['* ALIGNMENT + (span.from % ALIGNMENT)', '* ALIGNMENT + 1']],
    caughtBy,
    named: 'keeps alignment',
  },
  {
    file: 'ops/kernel.js',
    fault: 'a call within a call writes over the copies of its caller',
    edits: [['this.#top = end;', '']],
    caughtBy,
    named: 'within its own call',
  },
  {
    file: 'ops/kernel-module.js',
    fault: 'a module with static data is let in',
    edits: [['if (hasData(bytes))', 'if (false)']],
    caughtBy,
    named: 'is refused',
  },
  {
    file: 'flow/run-task.js',
    fault: 'the output lies anywhere',
    edits: [['{ near: input }', '{}']],
    caughtBy,
    named: 'in one arena',
  },
];
