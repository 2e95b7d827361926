// Faults of core/sync: what goes wrong when one step is missing, comes too early, or is not atomic.

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
  },
  {
    file: 'sync/mutex.js',
    fault: 'reclaim does not make up for the wake-up that the dead owed',
    edits: [
      ['this.#callListeners(); Atomics.notify(words, this.#at, 1);', 'this.#callListeners();'],
    ],
    caughtBy: mutex,
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
        'Atomics.store(words, this.#at + FREE, Atomics.load(words, this.#at + FREE) + units);',
        'Atomics.store(words, this.#mine + RELEASED, released); Atomics.store(words, this.#at + FREE, Atomics.load(words, this.#at + FREE) + units);',
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
  },
  {
    file: 'sync/permit-ledger.js',
    fault: 'those whom a dead thread answered are not called',
    edits: [['this.line.callAll();', '']],
    caughtBy: semaphore,
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
    file: 'sync/crowd.js',
    fault: 'a waiter joins the crowd after it has looked',
    edits: [
      [
        'this.#join(); try { for (;;) { const word = Atomics.load(words, this.#wordAt); if (done(word)) return undefined; if (!this.#waiter.park',
        'let here = false; try { for (;;) { const word = Atomics.load(words, this.#wordAt); if (done(word)) { if (!here) this.#join(); return undefined; } if (!here) { here = true; this.#join(); } if (!this.#waiter.park',
      ],
    ],
    caughtBy: ['explore/event', 'explore/latch'],
  },
  {
    file: 'sync/crowd.js',
    fault: 'reclaim does not make up for the call that the dead owed',
    edits: [
      [
        'this.#waiting.delete(thread); Atomics.notify(this.#words, this.#wordAt);',
        'this.#waiting.delete(thread);',
      ],
    ],
    caughtBy: ['explore/latch'],
  },
  {
    file: 'sync/crowd.js',
    fault: 'a waiter leaves the crowd before it parks',
    edits: [
      [
        'if (!this.#waiter.park(words, this.#wordAt, word, patience))',
        'this.#waiting.delete(this.#thread); if (!this.#waiter.park(words, this.#wordAt, word, patience))',
      ],
    ],
    caughtBy: ['explore/latch'],
  },
  {
    file: 'sync/event.js',
    fault: 'the crowd is called before the event is set',
    edits: [
      [
        'if (Atomics.compareExchange(this.#words, this.#at, word, set) !== word) continue; this.#crowd.call();',
        'this.#crowd.call(); if (Atomics.compareExchange(this.#words, this.#at, word, set) !== word) continue;',
      ],
    ],
    caughtBy: ['explore/event'],
  },
  {
    file: 'sync/event.js',
    fault: 'the count of an event does not grow when it is set',
    edits: [['(word + ONCE_MORE) | SET', 'word | SET']],
    caughtBy: ['explore/event'],
  },
  {
    file: 'sync/latch.js',
    fault: 'the exchange that counts down is a store',
    edits: [
      [
        'if (Atomics.compareExchange(this.#words, this.#at, count, count - by) !== count) continue;',
        'Atomics.store(this.#words, this.#at, count - by);',
      ],
    ],
    caughtBy: ['explore/latch'],
  },
  {
    file: 'sync/latch.js',
    fault: 'the crowd is called one too early',
    edits: [['if (count === by) this.#crowd.call();', 'if (count === by + 1) this.#crowd.call();']],
    caughtBy: ['explore/latch'],
  },
  {
    file: 'sync/once.js',
    fault: 'the exchange that claims the run is a store',
    edits: [
      [
        'if (Atomics.compareExchange(this.#words, this.#at, word, this.#running) === word) {',
        'Atomics.store(this.#words, this.#at, this.#running); {',
      ],
    ],
    caughtBy: ['explore/once'],
  },
  {
    file: 'sync/once.js',
    fault: 'what a dead thread has left half done looks new',
    edits: [
      [
        'Atomics.compareExchange(this.#words, this.#at, dead, ABANDONED);',
        'Atomics.compareExchange(this.#words, this.#at, dead, NEW);',
      ],
    ],
    caughtBy: ['explore/once'],
  },
  {
    file: 'sync/barrier.js',
    fault: 'a withdrawal is not counted',
    edits: [['(state & ~WITHDRAWALS) | ((state + 1) & WITHDRAWALS)', 'state']],
    caughtBy: ['explore/barrier'],
  },
  {
    file: 'sync/barrier.js',
    fault: 'a withdrawal is counted before the arrival is taken back',
    edits: [
      ['Atomics.store(words, this.#mine, PRESENT); for (;;) {', 'for (;;) {'],
      [
        'if (Atomics.compareExchange(words, this.#at + STATE, state, counted) === state) return true;',
        'if (Atomics.compareExchange(words, this.#at + STATE, state, counted) === state) { Atomics.store(words, this.#mine, PRESENT); return true; }',
      ],
    ],
    caughtBy: ['explore/barrier'],
  },
  {
    file: 'sync/barrier.js',
    fault: 'the barrier opens when one is missing',
    edits: [
      [
        'arrived < Math.max(present, parties - lost)',
        'arrived < Math.max(present, parties - lost) - 1',
      ],
    ],
    caughtBy: ['explore/barrier'],
  },
  {
    file: 'sync/barrier.js',
    fault: 'those who have come to an earlier round count in this one',
    edits: [
      [
        'present++; if (word === arrivedIn(generation)) arrived++;',
        'present++; if ((word & PLACE_MASK) === ARRIVED) arrived++;',
      ],
    ],
    caughtBy: ['explore/barrier'],
  },
  {
    file: 'sync/barrier.js',
    fault: 'nobody sees whether a party that dies was the last to be waited for',
    edits: [['this.#complete(generationOf(this.#state)); }', '}']],
    caughtBy: ['explore/barrier'],
  },
  {
    file: 'sync/condition.js',
    fault: 'a waiter stands in line after it has let go of the mutex',
    edits: [
      [
        'const stay = this.#line.enter(0, true); if (stay === undefined) throw this.#full(1); mutex.unlock();',
        'mutex.unlock(); const stay = this.#line.enter(0, true); if (stay === undefined) throw this.#full(1);',
      ],
    ],
    caughtBy: condition,
  },
  {
    file: 'sync/condition.js',
    fault: 'one who gives up takes a notification with it',
    edits: [
      [
        'const ending = this.#line.wait(stay, patience, this.#waiter); const notified = ending === undefined || !this.#line.leave(stay);',
        'const ending = this.#line.wait(stay, patience, this.#waiter); if (ending !== undefined) this.#line.leave(stay); const notified = ending === undefined;',
      ],
    ],
    caughtBy: condition,
  },
  {
    file: 'sync/condition.js',
    fault: 'nobody is woken for the notification that a dead thread took with it',
    edits: [['this.notifyAll(); this.#line.callAll();', 'this.#line.callAll();']],
    caughtBy: condition,
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
  },
];
