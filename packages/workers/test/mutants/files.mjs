// Faults of workers/files: chunks that are read twice, given up or taken while they are in use, changes that are lost,
// memory that stays away, ranges that are not what they should be; and of the relay, which is flow's.

const RANGE = ['test/files/mapped-range.test'];

export const mutants = [
  {
    file: 'files/chunk-cache.js',
    fault: 'a chunk that is held is given to another',
    edits: [['if (chunk.uses === 0 && !chunk.dirty)', 'if (!chunk.dirty)']],
    caughtBy: RANGE,
    named: 'waits until one is released',
  },
  {
    file: 'files/chunk-cache.js',
    fault: 'a chunk that was changed makes room without being written',
    edits: [['if (chunk.uses === 0 && !chunk.dirty)', 'if (chunk.uses === 0)']],
    caughtBy: RANGE,
    named: 'changes make room',
  },
  {
    file: 'files/chunk-cache.js',
    fault: 'what was used first goes first',
    edits: [
      ['this.#chunks.delete(chunk.index);\n            this.#chunks.set(chunk.index, chunk);', ''],
    ],
    caughtBy: RANGE,
    named: 'longest ago',
  },
  {
    file: 'files/chunk-cache.js',
    fault: 'those who need memory need not wait for their turn',
    edits: [['await this.#unlessStopped(before, signal);', '']],
    caughtBy: RANGE,
    named: 'two that need more',
  },
  {
    file: 'files/chunk-cache.js',
    fault: 'who is refused its memory keeps what was there of it',
    edits: [
      [
        'for (const chunk of held)\n                this.letGo(chunk);\n            throw error;\n        }\n        const made',
        'throw error;\n        }\n        const made',
      ],
    ],
    caughtBy: RANGE,
    named: 'in vain for the rest',
  },
  {
    file: 'files/chunk-cache.js',
    fault: 'what could not be read stays',
    edits: [
      [
        'if (!chunk.gone)\n                    this.#chunks.delete(chunk.index);\n                chunk.gone = true;',
        '',
      ],
    ],
    caughtBy: RANGE,
    named: 'was cut since it was mapped',
  },
  {
    file: 'files/chunk-cache.js',
    fault: 'what was got for who is refused stays',
    edits: [
      [
        'if (this.#refused)\n            this.#giveBack(slice);\n        else\n            this.#spare.push(slice);',
        '',
      ],
    ],
    caughtBy: RANGE,
    named: 'had been got',
  },
  {
    file: 'files/write-back.js',
    fault: 'what could not be written counts as written',
    edits: [['chunk.soil(stretch);', ';']],
    caughtBy: RANGE,
    named: 'full disk',
  },
  {
    file: 'files/write-back.js',
    fault: 'changes that do not touch are written as if they did',
    edits: [['change.stretch.from === 0', 'true']],
    caughtBy: RANGE,
    named: 'touch each other',
  },
  {
    file: 'files/write-back.js',
    fault: 'a file that was cut is made long again',
    edits: [['if (size >= end)', 'if (true)']],
    caughtBy: RANGE,
    named: 'not made longer',
  },
  {
    file: 'files/mapped-chunk.js',
    fault: 'what is changed after a flush is forgotten when the part is released',
    edits: [['this.soil(stretch);', ';']],
    caughtBy: RANGE,
    named: 'each flush writes',
  },
  {
    file: 'files/mapped-file.js',
    fault: 'the end of a file within a page is written directly too',
    edits: [['firstOf(left, bytes - (bytes % PAGE_BYTES))', 'left']],
    caughtBy: RANGE,
    named: 'odd ends',
  },
  {
    file: 'files/mapped-range.js',
    fault: 'a file that became too short is read as far as it goes',
    edits: [['if (got >= wanted)', 'if (true)']],
    caughtBy: RANGE,
    named: 'was cut since it was mapped',
  },
  {
    file: 'flow/relay.js',
    fault: 'a slice is filled again while it is being written',
    edits: [
      [
        'const ready = this.#filled.splice(0);',
        'const ready = this.#filled.splice(0);\n            for (const { lot } of ready.slice(0, 1)) this.#free.push(lot);',
      ],
    ],
    caughtBy: ['test/flow/relay.test'],
    named: 'paths',
  },
  {
    file: 'flow/relay.js',
    fault: 'an end that was stopped waits for a pipe for ever',
    edits: [['if (reader.abort || totalBytes !== undefined)', 'if (true)']],
    caughtBy: ['test/flow/relay.test'],
    named: 'never gives anything',
  },
];
