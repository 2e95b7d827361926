// Faults of calls and remote objects: slices that are lost or lent too long, values that arrive as something
// else, calls that are left without an answer.

export const mutants = [
  {
    file: 'ops/parcel.js',
    fault: 'what JSON would make two of goes as JSON',
    edits: [['return this.#atLeastV8();', 'return;']],
    caughtBy: ['test/call.test'],
    named: 'there twice',
  },
  {
    file: 'ops/parcel.js',
    fault: '-0 and NaN go as JSON',
    edits: [['if (!Number.isFinite(part) || Object.is(part, -0))', 'if (false)']],
    caughtBy: ['test/call.test'],
    named: 'structured cloning makes it',
  },
  {
    file: 'ops/parcel.js',
    fault: 'views onto shared memory are copied',
    edits: [['part.buffer instanceof SharedArrayBuffer', 'false']],
    caughtBy: ['test/call.test'],
    named: 'shared where it is shared',
  },
  {
    file: 'ops/parcel.js',
    fault: "Node's own classes go by V8's serialization",
    edits: [['!NATIVE.has(Object.getPrototypeOf(part)) || isShared(part)', 'isShared(part)']],
    caughtBy: ['test/call.test'],
    named: "Node's own classes",
  },
  {
    file: 'ops/call.js',
    fault: 'slices of a result that cannot be sent stay leased',
    edits: [['slice[Symbol.dispose]();', '']],
    caughtBy: ['test/call-slices.test'],
    named: 'is not lost',
  },
  {
    file: 'ops/loan.js',
    fault: 'what was lent can be used when the call is over',
    edits: [['lease: 0', 'lease: slice.lease']],
    caughtBy: ['test/call-slices.test'],
    named: 'when the call is over',
  },
  {
    file: 'ops/loan.js',
    fault: 'what was lent can be handed over',
    edits: [["throw refused('hand over', this.#slice());", '']],
    caughtBy: ['test/call-slices.test'],
    named: 'cannot be released',
  },
  {
    file: 'dispatch/dispatcher.js',
    fault: 'what came of a stopped task is forgotten',
    edits: [['task.discard?.(outcome);', '']],
    caughtBy: ['test/call-deaths.test'],
    named: 'gives back',
  },
  {
    file: 'remote/owner-end.js',
    fault: 'slices of a result that cannot be cloned stay on their way',
    edits: [['buffers.adopt(handle).release();', '']],
    caughtBy: ['test/remote.test'],
    named: 'is not lost',
  },
  {
    file: 'remote/caller-end.js',
    fault: 'the end of a port passes for the end of its object',
    edits: [['if (this.#released && this.#pending.size === 0)', 'if (true)']],
    caughtBy: ['test/remote-deaths.test'],
    named: 'reject',
  },
  {
    file: 'remote/caller-end.js',
    fault: 'calls under way are not told of the death',
    edits: [['for (const id of this.#pending.keys())', 'for (const id of [])']],
    caughtBy: ['test/remote-deaths.test'],
    named: 'reject',
  },
  {
    file: 'remote/remotes.js',
    fault: 'a thread with remote objects is let go',
    edits: [['return this.count(thread) > 0;', 'return false;']],
    caughtBy: ['test/remote-deaths.test'],
    named: 'not recycled',
  },
  {
    file: 'threads/drain.js',
    fault: 'a thread with guests parks for good',
    edits: [
      [
        ' && guests.count === 0) {\n            this.#wakeUp.park',
        ') {\n            this.#wakeUp.park',
      ],
    ],
    caughtBy: ['test/remote.test'],
    named: 'keeps what it knows',
  },
];
