// Faults of core/adaptive: permits, buffers and bytes that are lost or doubled, and news that are too many or none.

export const mutants = [
  {
    file: 'adaptive/cap.js',
    fault: 'a permit that was lent is given back once more',
    edits: [
      [
        'this.#ended(this); if (!this.#lent) this.#gate.leave(this.#weight);',
        'this.#ended(this); this.#gate.leave(this.#weight);',
      ],
    ],
    caughtBy: ['adaptive/cap'],
  },
  {
    file: 'adaptive/cap.js',
    fault: 'who moves again does not take its permit back',
    edits: [['if (this.#lent && this.#gate.tryEnter(this.#weight)) this.#lent = false;', '']],
    caughtBy: ['adaptive/cap'],
  },
  {
    file: 'adaptive/cap.js',
    fault: 'who moves lends its permit too',
    edits: [['if (!this.#hasMoved && !this.#lent) {', 'if (!this.#lent) {']],
    caughtBy: ['adaptive/cap'],
  },
  {
    file: 'adaptive/operation.js',
    fault: 'an operation keeps its permit when it ends',
    edits: [['this.#permit?.end(); this.#permit = undefined;', '']],
    caughtBy: ['adaptive/cap'],
  },
  {
    file: 'adaptive/operation.js',
    fault: 'a second chunk is taken however short memory is',
    edits: [["if (this.#emergency || this.#pressure !== 'normal') return undefined;", '']],
    caughtBy: ['adaptive/degradation'],
  },
  {
    file: 'adaptive/operation.js',
    fault: 'private memory is kept for every size that a slice was wanted for',
    edits: [
      [
        'this.#private(roomFor(config, Math.min(bytes, config.chunkSize)))',
        'this.#private(Math.min(bytes, config.chunkSize))',
      ],
    ],
    caughtBy: ['adaptive/degradation'],
  },
  {
    file: 'adaptive/degradation.js',
    fault: 'all is well as soon as anything is had',
    edits: [[' && bytes >= this.#deniedBytes;', ';']],
    caughtBy: ['adaptive/degradation'],
  },
  {
    file: 'adaptive/degradation.js',
    fault: 'a step is told as often as it is taken',
    edits: [
      [
        'if (this.#told.has(to) || now - (this.#toldNs.get(to) ?? -Infinity) < QUIET_NS) return;',
        '',
      ],
    ],
    caughtBy: ['adaptive/degradation'],
  },
  {
    file: 'adaptive/adaptive-buffer.js',
    fault: 'a private buffer can be released twice',
    edits: [["throw released('release'); this.#place = undefined;", "throw released('release');"]],
    caughtBy: ['adaptive/acquire'],
  },
  {
    file: 'adaptive/private-memory.js',
    fault: 'memory is taken without asking while it is short',
    edits: [['guard.requireMemory(bytes, setting);', '']],
    caughtBy: ['adaptive/acquire'],
  },
  {
    file: 'adaptive/private-memory.js',
    fault: 'private memory is taken for whatever is under way, and thrown away afterwards',
    edits: [['made === 0 || this.#hasRoom(made, bytes)', 'true']],
    caughtBy: ['adaptive/copy'],
  },
  {
    file: 'adaptive/short-copy.js',
    fault: 'what was copied before is forgotten when a copy goes on in chunks',
    edits: [['return added(count, goOn(dst, given(next)));', 'return goOn(dst, given(next));']],
    caughtBy: ['adaptive/copy'],
  },
];
