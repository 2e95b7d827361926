// Faults of workers/flow: a slice that is lent too short or too long, one side of a flow that is not told of the
// other, a target that is left half done, a range that is read or written in part.

export const mutants = [
  {
    file: 'coordinator.js',
    fault: 'flows that wait for their source are not told of a close at once',
    edits: [['this.flows.stopAll(refusal);', '']],
    caughtBy: ['test/closing.test'],
    named: 'would for ever',
  },
  {
    file: 'open-flows.js',
    fault: 'a flow that begins after the close waits for its source',
    edits: [['if (this.#refusal)', 'if (false)']],
    caughtBy: ['test/closing.test'],
    named: 'not even one',
  },
  {
    file: 'flow/hand-out.js',
    fault: 'a reader that asks while it is given a part is not heard',
    edits: [['this.#asked = true;', '']],
    caughtBy: ['test/web.test'],
    named: 'many reads',
  },
  {
    file: 'flow/iterate.js',
    fault: 'a view is recycled before the next pull',
    edits: [
      ['if (this.#views) await this.#until(() => this.#pulls.length > 0 || this.#left);', ''],
    ],
    caughtBy: ['test/iterate.test'],
    named: 'pieces',
  },
  {
    file: 'flow/iterate.js',
    fault: 'a view is recycled when the flow is stopped',
    edits: [
      [
        'this.#until(() => this.#pulls.length > 0 || this.#left);',
        'this.#until(() => this.#pulls.length > 0 || this.#left || this.#stopped);',
      ],
    ],
    caughtBy: ['test/iterate.test'],
    named: 'pieces',
  },
  {
    file: 'flow/iterate.js',
    fault: 'a piece that should be a copy is a view',
    edits: [['this.#views ? part : part.slice()', 'part']],
    caughtBy: ['test/iterate.test'],
    named: 'pieces',
  },
  {
    file: 'flow/iterate.js',
    fault: 'the source is not let go when the consumer leaves before it has pulled',
    edits: [['letGo(from).finally(ended)', 'Promise.resolve().finally(ended)']],
    caughtBy: ['test/iterate.test'],
    named: 'a consumer that leaves',
  },
  {
    file: 'flow/iterate.js',
    fault: 'the source runs in the context of whoever pulls',
    edits: [['AsyncResource.bind(() => (flow ??= run()))', '() => (flow ??= run())']],
    caughtBy: ['test/iterate.test'],
    named: 'asynchronous context',
  },
  {
    file: 'flow/readers.js',
    fault: 'a source is closed before its last piece has come, and waited for',
    edits: [['if (!this.#left) await closing;', 'await closing;']],
    caughtBy: ['test/iterate.test'],
    named: 'never gives anything',
  },
  {
    file: 'flow/web.js',
    fault: 'the writer is not told that the reader has cancelled',
    edits: [['writableEnd.error(error); stopFlow(error);', 'stopFlow(error);']],
    caughtBy: ['test/web.test'],
    named: 'when the reader cancels',
  },
  {
    file: 'flow/web.js',
    fault: 'an abort is not noticed while a write waits for a reader',
    edits: [["told.addEventListener('abort', () => stopFlow(told.reason));", '']],
    caughtBy: ['test/web.test'],
    named: 'when the writer aborts',
  },
  {
    file: 'flow/web.js',
    fault: 'to cancel resolves while slices are lent',
    edits: [['fail(reason); return flow;', 'fail(reason);']],
    caughtBy: ['test/web.test'],
    named: 'tasks under way',
  },
  {
    file: 'flow/stream.js',
    fault: 'listeners run in the context of whoever reads or writes',
    edits: [
      [
        'this.#context.runInAsyncScope(() => super.emit(event, ...values))',
        'super.emit(event, ...values)',
      ],
    ],
    caughtBy: ['test/flow-context'],
  },
  {
    file: 'flow/targets.js',
    fault: 'slices are recycled when the first target has failed, though others still read them',
    edits: [['failure ??= { error }; this.abort(error);', 'this.abort(error); throw error;']],
    caughtBy: ['test/tee.test'],
    named: 'still reads',
  },
  {
    file: 'flow/targets.js',
    fault: 'one target is put in its place before the next is whole',
    edits: [
      ['await target.finish();', '{ await target.finish(); await target.place(); }'],
      ['for (const target of targets) await target.place();', ''],
    ],
    caughtBy: ['test/tee.test'],
    named: 'nothing partial',
  },
  {
    file: 'flow/target.js',
    fault: 'a file stays in its place when another target fails',
    edits: [['if (placed && !existing)', 'if (false)']],
    caughtBy: ['test/tee.test'],
    named: 'nothing partial',
  },
  {
    file: 'flow/chunk-window.js',
    fault: 'the tail of a file is written as if it were whole pages',
    edits: [['whole ? (direct ?? plain) : plain', 'direct ?? plain']],
    caughtBy: ['test/worker-files'],
    named: 'in place',
  },
  {
    file: 'flow/chunk-window.js',
    fault: 'a flow that was stopped does not wait for the read under way',
    edits: [
      ['this.#feed.abort?.();', ''],
      ['if (this.#feed.abort) await released;', ''],
    ],
    caughtBy: ['test/iterate.test'],
    named: 'never gives anything',
  },
  {
    file: 'flow/feeds.js',
    fault: 'a direct read begins with the chunk and not with a page',
    edits: [['from % PAGE_BYTES', '0']],
    caughtBy: ['test/worker-files'],
    named: 'cut anywhere',
  },
  {
    file: 'flow/chunk.js',
    fault: 'bytes that were changed halfway are changed once more',
    edits: [["this.config.kind !== 'in-place' || this.file >= 0", 'true']],
    caughtBy: ['test/in-place-chunks'],
    named: 'when a thread dies',
  },
  {
    file: 'threads/file-range.js',
    fault: 'a write that does less than it was asked for counts as done',
    edits: [
      [
        'done += writeSync(file, bytes, done, bytes.length - done, position + done);',
        'writeSync(file, bytes, done, bytes.length - done, position + done); done = bytes.length;',
      ],
    ],
    caughtBy: ['test/worker-files'],
    named: 'less than it was asked',
  },
];
