// Faults of core/metrics: a number of two words that is seen half written.

const metrics = ['explore/metrics'];
const histogram = ['explore/histogram'];

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
  {
    file: 'metrics/histogram.js',
    fault: 'a value is counted before the extremes take it in',
    edits: [
      ['if (!(value >= this.#least && value <= this.#greatest)) this.#stretch(value);', ''],
      [
        'else this.#carry(at, low);',
        'else this.#carry(at, low); if (!(value >= this.#least && value <= this.#greatest)) this.#stretch(value);',
      ],
    ],
    caughtBy: histogram,
  },
  {
    file: 'metrics/histogram.js',
    fault: 'all threads record into one stripe',
    edits: [['this.#at + thread * this.#stripeWords', 'this.#at + this.#stripeWords']],
    caughtBy: histogram,
  },
  {
    file: 'metrics/histogram.js',
    fault: 'the extremes of a stripe are read before its counts',
    edits: [
      [
        'this.#addTo(counts, stripe); const least = loadNumber(this.#words, stripe + LEAST); const greatest = loadNumber(this.#words, stripe + GREATEST);',
        'const least = loadNumber(this.#words, stripe + LEAST); const greatest = loadNumber(this.#words, stripe + GREATEST); this.#addTo(counts, stripe);',
      ],
    ],
    caughtBy: histogram,
  },
  {
    file: 'metrics/histogram.js',
    fault: 'all extremes are read before all counts',
    edits: [
      [
        'for (const stripe of this.#stripes()) { this.#addTo(counts, stripe);',
        'for (const stripe of this.#stripes()) {',
      ],
      [
        'return new HistogramSnapshot(counts, least, greatest); } /** How many',
        'for (const stripe of this.#stripes()) this.#addTo(counts, stripe); return new HistogramSnapshot(counts, least, greatest); } /** How many',
      ],
    ],
    caughtBy: histogram,
  },
  {
    file: 'metrics/histogram.js',
    fault: 'the next user of a thread id forgets the extremes of the last',
    edits: [['const used = versionOf(words, stripe + LEAST) > 0;', 'const used = false;']],
    caughtBy: histogram,
  },
  {
    file: 'metrics/histogram.js',
    fault: 'the carry is stored after the low word that no longer contains it',
    edits: [
      [
        'Atomics.store(this.#words, highAt, carries); Atomics.store(this.#words, at, carries << 31);',
        'Atomics.store(this.#words, at, carries << 31); Atomics.store(this.#words, highAt, carries);',
      ],
    ],
    caughtBy: histogram,
  },
  {
    file: 'metrics/histogram.js',
    fault: 'a carry is counted twice after a death',
    edits: [
      [
        'const carries = carriesBy(low, this.#words[highAt]) + 1;',
        'const carries = this.#words[highAt] + 1;',
      ],
    ],
    caughtBy: histogram,
  },
  {
    file: 'metrics/histogram.js',
    fault: 'a reader does not look at the carries again',
    edits: [['if (high !== Atomics.load(words, at + this.#buckets)) continue;', '']],
    caughtBy: histogram,
  },
  {
    file: 'metrics/histogram.js',
    fault: 'a reader takes the carries as they are, whatever the low word says',
    edits: [['carriesBy(low, high) * COUNT_RANGE', 'high * COUNT_RANGE']],
    caughtBy: histogram,
  },
];
