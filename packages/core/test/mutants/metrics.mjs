// Faults of core/metrics: a number of two words that is seen half written.

const metrics = ['explore/metrics'];

export const mutants = [
  {
    file: 'metrics/versioned-number.js',
    fault: 'the version is stored before the number',
    edits: [
      ['Atomics.store(words, at + VERSION, next);', ''],
      [
        'Atomics.store(words, slot, low);',
        'Atomics.store(words, at + VERSION, next); Atomics.store(words, slot, low);',
      ],
    ],
    caughtBy: metrics,
  },
  {
    file: 'metrics/versioned-number.js',
    fault: 'a reader does not look at the version again',
    edits: [['if (Atomics.load(words, at + VERSION) !== version) continue;', '']],
    caughtBy: metrics,
  },
  {
    file: 'metrics/gauges.js',
    fault: 'the thread that spoke last is named before its number is written',
    edits: [
      [
        'this.set(thread, index, value); // Publishes the number before its thread. Atomics.store(this.#words, this.#latestAt + index * LINE, thread);',
        'Atomics.store(this.#words, this.#latestAt + index * LINE, thread); this.set(thread, index, value);',
      ],
    ],
    caughtBy: metrics,
  },
  {
    file: 'metrics/counters.js',
    fault: 'the carry is stored after the low word that no longer holds it',
    edits: [
      ['Atomics.store(words, at + 1, high);', ''],
      [
        'Atomics.store(words, at, ((high & 1) << LOW_BITS) | (count - LOW_RANGE));',
        'Atomics.store(words, at, ((high & 1) << LOW_BITS) | (count - LOW_RANGE)); Atomics.store(words, at + 1, high);',
      ],
    ],
    caughtBy: metrics,
  },
  {
    file: 'metrics/counters.js',
    fault: 'a carry is counted twice after a death',
    edits: [['const high = carriesBy(low, words[at + 1]) + 1;', 'const high = words[at + 1] + 1;']],
    caughtBy: metrics,
  },
];
