// Faults of the locks in core/sync and of the line that threads wait in: a step is missing, comes too early, or is not
// atomic.

const mutex = ['explore/mutex'];
const semaphore = ['explore/semaphore'];
const condition = ['explore/condition'];
const rwLock = ['explore/rw-lock'];

export const mutants = [
  {
    file: 'sync/mutex.js',
    fault: 'the exchange that takes the lock is a store',
    edits: [
      [
        'if (Atomics.compareExchange(this.#words, this.#at, word, taken) === word) {',
        'Atomics.store(this.#words, this.#at, taken); {',
      ],
    ],
    caughtBy: mutex,
  },
  {
    file: 'sync/mutex.js',
    fault: 'the exchange that gives the lock back is a store',
    edits: [
      [
        'if (Atomics.compareExchange(words, this.#at, this.#thread, 0) === this.#thread) return;',
        'Atomics.store(words, this.#at, 0); return;',
      ],
    ],
    caughtBy: mutex,
  },
  {
    file: 'sync/mutex.js',
    fault: 'unlock does not notify the sleepers',
    edits: [['if ((word & SLEEPERS) !== 0) Atomics.notify(words, this.#at, 1);', '']],
    caughtBy: mutex,
  },
  {
    file: 'sync/mutex.js',
    fault: 'a sleeper that gets the lock forgets those behind it',
    edits: [['this.#take(SLEEPERS)', 'this.#take(0)']],
    caughtBy: mutex,
  },
  {
    file: 'sync/mutex.js',
    fault: 'a sleeper parks without its bit in the word',
    edits: [
      [
        'const word = this.#announce(SLEEPERS);',
        'const word = Atomics.load(this.#words, this.#at);',
      ],
    ],
    caughtBy: mutex,
  },
  {
    file: 'sync/mutex.js',
    fault: 'a lock taken from the dead is not marked',
    edits: [['(word & ~HOLDER) | ABANDONED', 'word & ~HOLDER']],
    caughtBy: mutex,
    named: 'dies',
  },
  {
    file: 'sync/mutex.js',
    fault: 'reclaim does not make up for the wake-up that the dead owed',
    edits: [
      ['this.#callListeners(); Atomics.notify(words, this.#at, 1);', 'this.#callListeners();'],
    ],
    caughtBy: mutex,
    named: 'dies',
  },
  {
    file: 'sync/guard.js',
    fault: 'the exchange that leaves the guard is a store: a call is lost',
    edits: [
      [
        'return Atomics.compareExchange(this.#words, this.#at, this.#thread, 0) === this.#thread;',
        'Atomics.store(this.#words, this.#at, 0); return true;',
      ],
    ],
    caughtBy: semaphore,
  },
  {
    file: 'sync/guard.js',
    fault: 'the holder of the guard is not called',
    edits: [
      [
        '(word & CALLED) !== 0 || Atomics.compareExchange(this.#words, this.#at, word, word | CALLED) === word',
        'true',
      ],
    ],
    caughtBy: semaphore,
  },
  {
    file: 'sync/permit-ledger.js',
    fault: 'calls are heard after the look at the records instead of before it',
    edits: [
      ['do { this.#guard.hear();', 'do {'],
      [
        'Atomics.store(words, this.#at + QUEUED, queued);',
        'Atomics.store(words, this.#at + QUEUED, queued); this.#guard.hear();',
      ],
    ],
    caughtBy: semaphore,
  },
  {
    file: 'sync/permit-ledger.js',
    fault: 'the promise is written after the answer that it is to explain',
    edits: [
      [
        'this.line.promise(stay.place, (Atomics.load(this.#words, grantedAt) + units) | 0); if (!this.line.answer(stay)) return false;',
        'if (!this.line.answer(stay)) return false; this.line.promise(stay.place, (Atomics.load(this.#words, grantedAt) + units) | 0);',
      ],
    ],
    caughtBy: semaphore,
  },
  {
    file: 'sync/permit-ledger.js',
    fault: 'release has the records looked at before it has written its own',
    edits: [
      [
        'Atomics.store(words, this.#mine + RELEASED, released); if (!guarded) { this.look();',
        'if (!guarded) { this.look(); Atomics.store(words, this.#mine + RELEASED, released);',
      ],
      [
        'words[this.#at + FREE] += units;',
        'Atomics.store(words, this.#mine + RELEASED, released); words[this.#at + FREE] += units;',
      ],
    ],
    caughtBy: semaphore,
  },
  {
    file: 'sync/permit-ledger.js',
    fault: 'nobody notes that a thread queues',
    edits: [['if (stay !== undefined) Atomics.store(this.#words, this.#at + QUEUED, 1);', '']],
    caughtBy: semaphore,
  },
  {
    file: 'sync/permit-ledger.js',
    fault: 'what is free is taken past those who queue',
    edits: [['units > free || Atomics.load(words, this.#at + QUEUED) !== 0', 'units > free']],
    caughtBy: semaphore,
  },
  {
    file: 'sync/permit-ledger.js',
    fault: 'the answer that a dead thread was giving is not completed',
    edits: [['this.#complete(); this.#serve();', 'this.#serve();']],
    caughtBy: semaphore,
    named: 'dies',
  },
  {
    file: 'sync/permit-ledger.js',
    fault: 'those whom a dead thread answered are not called',
    edits: [['this.line.callAll();', '']],
    caughtBy: semaphore,
    named: 'dies',
  },
  {
    file: 'sync/wait-line.js',
    fault: 'a stay is published before its ticket and its amount',
    edits: [
      [
        'Atomics.store(words, place + AMOUNT, amount);',
        'const entered = ((word + ONE_ENTRY) & ~STATE_MASK) | WAITING; Atomics.store(words, place, entered); Atomics.store(words, place + AMOUNT, amount);',
      ],
      [
        'const entered = ((word + ONE_ENTRY) & ~STATE_MASK) | WAITING; // Publishes ticket and amount to whoever finds the place WAITING. Atomics.store(words, place, entered);',
        '',
      ],
    ],
    caughtBy: semaphore,
  },
  {
    file: 'sync/wait-line.js',
    fault: 'the sequence of a place does not grow with each stay',
    edits: [['((word + ONE_ENTRY) & ~STATE_MASK) | WAITING', '(word & ~STATE_MASK) | WAITING']],
    caughtBy: semaphore,
  },
  {
    file: 'sync/wait-line.js',
    fault: 'the exchange that leaves the line is a store',
    edits: [
      [
        'const left = Atomics.compareExchange(this.#words, place, word, word ^ WAITING) === word;',
        'Atomics.store(this.#words, place, word ^ WAITING); const left = true;',
      ],
    ],
    caughtBy: semaphore,
  },
  {
    file: 'sync/wait-line.js',
    fault: 'the exchange that answers is a store',
    edits: [
      [
        'return Atomics.compareExchange(this.#words, place, word, word ^ WAITING ^ ANSWERED) === word;',
        'Atomics.store(this.#words, place, word ^ WAITING ^ ANSWERED); return true;',
      ],
    ],
    caughtBy: condition,
  },
  {
    file: 'sync/span.js',
    fault: 'the exchange that counts a thread in is a store',
    edits: [
      [
        'Atomics.compareExchange(this.#words, this.#at, highest, this.#thread);',
        'Atomics.store(this.#words, this.#at, this.#thread);',
      ],
    ],
    caughtBy: semaphore,
  },
  {
    file: 'sync/rw-lock.js',
    fault: 'a writer looks for readers before it closes the gate',
    edits: [
      [
        'gate.close(); gate.putBack(); if (gate.drained || this.#waiter.spin(() => gate.drained))',
        'const { drained } = gate; gate.close(); gate.putBack(); if (drained || this.#waiter.spin(() => gate.drained))',
      ],
    ],
    caughtBy: rwLock,
  },
  {
    file: 'sync/rw-lock.js',
    fault: 'the writers are let go of before the gate opens',
    edits: [
      [
        'this.#writing = false; this.#gate.open(true); this.#writers.unlock();',
        'this.#writing = false; this.#writers.unlock(); this.#gate.open(true);',
      ],
    ],
    caughtBy: rwLock,
  },
  {
    file: 'sync/reader-gate.js',
    fault: 'a reader that steps back does not tell the writer',
    edits: [['if (asks >> 2 === 0) this.ringDrain();', '']],
    caughtBy: rwLock,
  },
  {
    file: 'sync/reader-gate.js',
    fault: 'the drain does not count those who have stopped',
    edits: [['Atomics.add(this.#words, this.drainAt, 1);', '']],
    caughtBy: rwLock,
  },
  {
    file: 'sync/reader-gate.js',
    fault: 'those who ask are admitted before the gate opens',
    edits: [
      [
        'Atomics.store(words, this.#at + GATE, mark); const span = this.span;',
        'const span = this.span;',
      ],
      [
        'for (let thread = 1; thread <= span; thread++) this.#admit(thread);',
        'for (let thread = 1; thread <= span; thread++) this.#admit(thread); Atomics.store(words, this.#at + GATE, mark);',
      ],
    ],
    caughtBy: rwLock,
  },
  {
    file: 'sync/reader-gate.js',
    fault: 'the exchange that admits a reader is a store',
    edits: [
      [
        'if (Atomics.compareExchange(words, at, word, admitted) !== word) continue;',
        'Atomics.store(words, at, admitted);',
      ],
    ],
    caughtBy: rwLock,
  },
  {
    file: 'sync/reader-gate.js',
    fault: 'the gate of a dead writer opens without a mark',
    edits: [
      [
        'Atomics.compareExchange(words, this.#at + GATE, gate, ABANDONED);',
        'Atomics.compareExchange(words, this.#at + GATE, gate, 0);',
      ],
    ],
    caughtBy: rwLock,
    named: 'dies',
  },
];
