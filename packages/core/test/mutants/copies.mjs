// Faults of copies and tees: chunks that are lost, or used again too early, ends that are not told, bounds that do not hold.

const copies = ['adaptive/chunked-copy'];
const tees = ['adaptive/chunked-tee-reader', 'adaptive/tee-at-once'];
const pieces = ['adaptive/tee-at-once'];

export const mutants = [
  {
    file: 'adaptive/transfer.js',
    fault: 'a chunk is filled anew while it is being written',
    edits: [
      [
        'if (isPromise(answer)) { this.#writing = answer.then(() => { this.#writing = undefined; this.#written += length; piece.done();',
        'if (isPromise(answer)) { piece.done(); this.#writing = answer.then(() => { this.#writing = undefined; this.#written += length;',
      ],
    ],
    caughtBy: copies,
  },
  {
    file: 'adaptive/transfer.js',
    fault: 'a reader is not told that the writer has failed',
    edits: [['culprit === this.#from || tell(() => this.#from.cancel(error)),', '']],
    caughtBy: copies,
  },
  {
    file: 'adaptive/transfer.js',
    fault: 'a writer is not told that the reader has failed',
    edits: [['tell(() => this.#to.abort?.(error)),', '']],
    caughtBy: copies,
  },
  {
    file: 'adaptive/transfer.js',
    fault: 'a copy that failed does not wait for the write under way',
    edits: [['this.#to.abort && this.#writing,', '']],
    caughtBy: copies,
  },
  {
    file: 'adaptive/transfer.js',
    fault: 'what is too much is written before it is noticed',
    edits: [['this.#taken > this.#exactly', 'this.#taken - length > this.#exactly']],
    caughtBy: copies,
  },
  {
    file: 'adaptive/transfer.js',
    fault: 'ends that answer at once leave nobody a turn',
    edits: [['if (rounds > 1 && this.#stretch.over())', 'if (false)']],
    caughtBy: copies,
  },
  {
    file: 'adaptive/transfer.js',
    fault: 'ends that answer in the same turn leave nobody one',
    edits: [
      [
        'if (this.#stretch.over()) this.#pause(); else this.#go();',
        'this.#stretch.restart(); this.#go();',
      ],
    ],
    caughtBy: copies,
  },
  {
    file: 'adaptive/transfer.js',
    fault: 'a chunk that was read ahead is lost with a failure',
    edits: [['this.#ready?.done();', '']],
    caughtBy: copies,
  },
  {
    file: 'adaptive/transfer.js',
    fault: 'a chunk that comes after a failure is lost',
    edits: [['else if (this.#failed) piece.done();', 'else if (this.#failed) return;']],
    caughtBy: [...copies, ...tees],
  },
  {
    file: 'adaptive/transfer.js',
    fault: 'a signal keeps its listener',
    edits: [
      [
        "this.#finished = true; if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);",
        'this.#finished = true;',
      ],
    ],
    caughtBy: copies,
  },
  {
    file: 'adaptive/fillings.js',
    fault: 'a chunk whose read fails is lost',
    edits: [['catch (error) { filling.done();', 'catch (error) {']],
    caughtBy: copies,
  },
  {
    file: 'adaptive/chunk-stock.js',
    fault: 'a chunk that comes back late is kept',
    edits: [['if (this.#closed) { filling.chunk.release(); }', 'if (this.#closed) { }']],
    caughtBy: copies,
  },
  {
    file: 'adaptive/chunk-stock.js',
    fault: 'who may not wait for the branch waits for its chunk',
    edits: [['!got && !this.#patient', 'false']],
    caughtBy: tees,
  },
  {
    file: 'adaptive/chunk-stock.js',
    fault: 'a chunk is leased anew each time',
    edits: [['const free = this.#free.pop(); if (free)', 'const free = this.#free[0]; if (false)']],
    caughtBy: copies,
  },
  {
    file: 'adaptive/tee-branch.js',
    fault: 'the branch does not hold its chunks',
    edits: [
      ['filling.users++;', ''],
      [
        'const filling = this.#underWay; this.#underWay = this.#writing = undefined; filling?.done();',
        'this.#underWay = this.#writing = undefined;',
      ],
    ],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-branch.js',
    fault: 'what waits for a branch is lost when that is dropped',
    edits: [['for (const filling of this.#waiting.splice(0)) filling.done();', '']],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-branch.js',
    fault: 'a branch is closed though it has not everything',
    edits: [
      [
        "while (this.state === 'open' && !this.#underWay && !this.#closing) {",
        'while (!this.#underWay && !this.#closing) {',
      ],
    ],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-branch.js',
    fault: 'a branch that is aborted does not wait for its write',
    edits: [['this.#writer.abort && this.#writing', 'undefined']],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-flow.js',
    fault: 'a chunk that comes as the consumer leaves is lost',
    edits: [['if (this.failure) got?.done(); else resolve(got);', 'resolve(got);']],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-flow.js',
    fault: 'a chunk that was read in part is lost when the consumer leaves',
    edits: [['this.#letGo()?.done(); this.branch.drop(error);', 'this.branch.drop(error);']],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-flow.js',
    fault: 'a branch is dropped before it has had a turn',
    edits: [['await turn(); if (this.branch.lag', 'if (this.branch.lag']],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-flow.js',
    fault: 'the consumer is one chunk further ahead than it may be',
    edits: [
      [
        'this.branch.lag < this.#maxLag ? this.#fill()',
        'this.branch.lag <= this.#maxLag ? this.#fill()',
      ],
    ],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-flow.js',
    fault: 'a consumer that waits for the branch is not told that this is gone',
    edits: [['this.#wake?.(); this.#settle();', 'this.#settle();']],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-flow.js',
    fault: 'a consumer that leaves does not cancel the reader',
    edits: [['byReader || cancel();', 'byReader;']],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-branch.js',
    fault: 'a branch that is aborted in the midst of a write does not wait for it',
    edits: [['await Promise.resolve();', '']],
    caughtBy: tees,
  },
  {
    file: 'adaptive/tee-flow.js',
    fault: 'a consumer that leaves in the midst of a read does not wait for it',
    edits: [['await Promise.resolve();', '']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/tee-at-once.js',
    fault: 'a branch is written to while its write is under way',
    edits: [['if (isPromise(toBranch) || progress.leave)', 'if (progress.leave)']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/tee-at-once.js',
    fault: 'a consumer has its chunk taken away while its write is under way',
    edits: [['if (isPromise(toConsumer) || progress.leave)', 'if (progress.leave)']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/tee-at-once.js',
    fault: 'what does not fit into one chunk is lost',
    edits: [['if (more !== 0 || progress.leave)', 'if (isPromise(more) || progress.leave)']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/tee-at-once.js',
    fault: 'a tee is done before its branch is closed',
    edits: [['if (isPromise(closed) || progress.leave)', 'if (progress.leave)']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/tee-at-once.js',
    fault: 'what a branch was written is written to it once more',
    edits: [
      [
        "case 'consumer': reads.push(given(count)); toBranch.push(given(undefined));",
        "case 'consumer': reads.push(given(count));",
      ],
    ],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/tee-at-once.js',
    fault: 'what was read in one piece is counted twice',
    edits: [['progress.bytesRead = progress.chunksUsed = progress.toBranch = 0;', '']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/tee-at-once.js',
    fault: 'who leaves in the midst of the piece has not left',
    edits: [['progress.leave?.(); return answer();', 'return answer();']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/tee-at-once.js',
    fault: 'the chunk of a tee in one piece is lost',
    edits: [['chunk.release(); return count;', 'return count;']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/tee-at-once.js',
    fault: 'what was teed in one piece is counted nowhere',
    edits: [['if (count > 0) chunks.filled?.(count);', '']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/chunked-tee-reader.js',
    fault: 'a tee in one piece is settled for nobody',
    edits: [['this.#doneAt = wallClockMs(); this.#settle();', 'this.#doneAt = wallClockMs();']],
    caughtBy: pieces,
  },
  {
    file: 'adaptive/iterable-reader.js',
    fault: 'a piece that is longer than the room is cut',
    edits: [
      [
        'this.#at = to;',
        'this.#at = this.#piece.length; this.#piece = NOTHING; this.#at = 0; return to - from;',
      ],
    ],
    caughtBy: ['adaptive/byte-io'],
  },
];
