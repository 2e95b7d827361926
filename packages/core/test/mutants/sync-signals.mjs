// Faults of the signals in core/sync, by which threads tell each other something: they tell it too early, to too few, or
// not again for the dead.

const condition = ['explore/condition'];

export const mutants = [
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
    named: 'dies',
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
    named: 'dies',
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
    named: 'dies',
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
    named: 'dies',
  },
];
