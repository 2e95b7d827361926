// Faults of core's memory: a claim that is none, a look too early, a witness too late, a death that is not made up for.

const lend = ['explore/memory-lend'];
const slabs = ['explore/memory-slabs'];
const share = ['explore/memory-share'];
const wait = ['explore/memory-wait'];
const threads = ['explore/memory-threads'];
const safety = ['safety.test'];

export const mutants = [
  {
    file: 'slices/free-list.js',
    fault: 'a claim is a store, not an exchange',
    edits: [
      [
        'return Atomics.compareExchange(this.#words, at, word, claimed) === word ? claimed : undefined;',
        'Atomics.store(this.#words, at, claimed); return claimed;',
      ],
    ],
    caughtBy: slabs,
  },
  {
    file: 'slices/free-list.js',
    fault: 'a taker does not look at the slab again after its claim',
    edits: [
      [
        'if (Atomics.load(words, stateAt) !== state) { this.give(ref, word);',
        'if (false) { this.give(ref, word);',
      ],
    ],
    caughtBy: slabs,
  },
  {
    file: 'slices/free-list.js',
    fault: 'a thief does not look at the slab again after its claim',
    edits: [
      [
        'if (Atomics.load(words, stateAt) !== state) { this.give(ref, stolen);',
        'if (false) { this.give(ref, stolen);',
      ],
    ],
    caughtBy: slabs,
  },
  {
    file: 'slices/free-list.js',
    fault: 'a taker leaves no intent',
    edits: [['Atomics.store(words, intentAt, slab + 1); for (let w = 0;', 'for (let w = 0;']],
    caughtBy: slabs,
  },
  {
    file: 'slices/free-list.js',
    fault: 'the bit is cleared before the slot is FREE',
    edits: [
      [
        'if (Atomics.compareExchange(this.#words, at, word, ended(word, FREE, 0)) !== word) return false; clearBit(this.#words, this.#layout, ref); return true;',
        'clearBit(this.#words, this.#layout, ref); return Atomics.compareExchange(this.#words, at, word, ended(word, FREE, 0)) === word;',
      ],
    ],
    caughtBy: lend,
  },
  {
    file: 'slices/free-list.js',
    fault: 'a slot that becomes FREE keeps its generation',
    edits: [
      [
        'Atomics.compareExchange(this.#words, at, word, ended(word, FREE, 0)) !== word',
        'Atomics.compareExchange(this.#words, at, word, withState(word, FREE, 0)) !== word',
      ],
    ],
    caughtBy: slabs,
  },
  {
    file: 'pools/slot-pool.js',
    fault: 'an entry of a magazine stands for the slot whatever became of it',
    edits: [
      [
        'const word = words[entry + ENTRY_WORD];',
        'const word = (Atomics.load(words, this.#slotsAt + ref * SLOT) & GENERATION) | (this.#cached & ~GENERATION);',
      ],
    ],
    caughtBy: slabs,
  },
  {
    file: 'pools/slot-pool.js',
    fault: 'a release is a store, not an exchange',
    edits: [
      [
        'if (Atomics.compareExchange(words, this.#slotsAt + ref * SLOT, lease, cached) !== lease) { throw endedAlready(ref); }',
        'Atomics.store(words, this.#slotsAt + ref * SLOT, cached);',
      ],
    ],
    caughtBy: share,
  },
  {
    file: 'pools/slot-pool.js',
    fault: 'a release looks at ATTENTION before its exchange',
    edits: [
      [
        'const cached = ((lease & GENERATION) + this.#cached) | 0;',
        'const cached = ((lease & GENERATION) + this.#cached) | 0; const awaited = Atomics.load(words, ASKED) !== 0;',
      ],
      ['const asked = words[ASKED] !== 0;', 'const asked = awaited;'],
    ],
    caughtBy: wait,
  },
  {
    file: 'slices/slot-word.js',
    fault: 'who waits for a slot in use looks at it by a load',
    edits: [['Atomics.or(words, at, 0)', 'word']],
    caughtBy: wait,
  },
  {
    file: 'slices/free-list.js',
    fault: 'a thief who comes second does not look again',
    edits: [
      [
        'if (Atomics.compareExchange(this.#words, at, word, stolen) === word) return stolen;',
        'return Atomics.compareExchange(this.#words, at, word, stolen) === word ? stolen : undefined;',
      ],
    ],
    caughtBy: wait,
  },
  {
    file: 'slices/slab-life.js',
    fault: 'a slab is retired without being RETIRING',
    edits: [
      ['if (!this.#swap(slab, word, retiring)) return false;', ''],
      ['this.#swap(slab, retiring, idle ?', 'this.#swap(slab, word, idle ?'],
    ],
    caughtBy: slabs,
  },
  {
    file: 'slices/slab-life.js',
    fault: 'who has retired a slab, or not, tells nobody',
    edits: [
      [
        'idle ? slabWord(word, EMPTY, 0) : word); this.#onFreed();',
        'idle ? slabWord(word, EMPTY, 0) : word);',
      ],
    ],
    caughtBy: wait,
  },
  {
    file: 'slices/slab-runs.js',
    fault: 'the bit of a run’s slot stays set',
    edits: [['clearBit(this.#words, this.#layout, ref); this.#intend(-1);', 'this.#intend(-1);']],
    caughtBy: slabs,
  },
  {
    file: 'slices/slab-runs.js',
    fault: 'a run is freed from its head on',
    edits: [
      [
        'for (let slab = head + this.lengthOf(ref) - 1; slab > head; slab--) this.#empty(slab); this.#empty(head);',
        'const end = head + this.lengthOf(ref); for (let slab = head; slab < end; slab++) this.#empty(slab);',
      ],
    ],
    caughtBy: slabs,
  },
  {
    file: 'slices/slab-runs.js',
    fault: 'a run’s slabs are claimed before they look free',
    edits: [['if (!this.#looksFree(first, length)) continue;', '']],
    caughtBy: wait,
  },
  {
    file: 'slices/sharing.js',
    fault: 'a joiner takes its seat after it has looked at the word',
    edits: [
      ['this.#sit(ref); let joined = false;', 'let joined = false;'],
      ['if (!joined) this.leave(ref);', 'if (joined) this.#sit(ref);'],
    ],
    caughtBy: share,
  },
  {
    file: 'slices/sharing.js',
    fault: 'a closer does not look at the seats again',
    edits: [['if (this.#empty(ref)) { if (this.#end(', 'if (true) { if (this.#end(']],
    caughtBy: share,
  },
  {
    file: 'slices/sharing.js',
    fault: 'a joiner leaves no intent',
    edits: [
      ['Atomics.store(this.#words, intentAt, slabOf(ref) + 1); this.#sit(ref);', 'this.#sit(ref);'],
    ],
    caughtBy: share,
  },
  {
    file: 'pools/sweeper.js',
    fault: 'a sweep leaves the seats in slots that were the dead thread’s alone',
    edits: [
      [
        'ended = sharing.sweep(ref, dead) || ended;',
        'ended = (!isHeld(word, LIVE, dead) && sharing.sweep(ref, dead)) || ended;',
      ],
    ],
    caughtBy: share,
  },
  {
    file: 'pools/sweeper.js',
    fault: 'a sweep does not heed the intent',
    edits: [['=== slab + 1;', '=== -1;']],
    caughtBy: slabs,
  },
  {
    file: 'pools/sweeper.js',
    fault: 'the sweeps of a dead sweeper are not taken over',
    edits: [['if (registry.takeOverSweep(unfinished, dead, thread))', 'if (false)']],
    caughtBy: threads,
  },
  {
    file: 'pools/sweeper.js',
    fault: 'who was buried by a dead sweeper is not swept',
    edits: [['if (registry.beginSweep(buried, thread))', 'if (false)']],
    caughtBy: threads,
  },
  {
    file: 'pools/sweeper.js',
    fault: 'an id is free before its sweep',
    edits: [
      [
        'let swept = 0; for (let slab = 0; slab < memory',
        'registry.recycle(dead, thread); let swept = 0; for (let slab = 0; slab < memory',
      ],
    ],
    caughtBy: threads,
  },
  {
    file: 'pools/waiting-room.js',
    fault: 'who begins to wait does not ask for attention',
    edits: [
      [
        'Atomics.or(words, WAITING + sizeClass, bitOf(this.#thread)); Atomics.or(words, ATTENTION, bitOf(this.#thread));',
        'Atomics.or(words, WAITING + sizeClass, bitOf(this.#thread));',
      ],
    ],
    caughtBy: wait,
  },
  {
    file: 'threads/registry.js',
    fault: 'an id is buried whoever its owner is',
    edits: [
      [
        'const alive = (owner << 2) | ALIVE;',
        'const now = Atomics.load(this.#words, this.#at(id)); const alive = (now & STATE_MASK) === ALIVE ? now : (owner << 2) | ALIVE;',
      ],
    ],
    caughtBy: threads,
  },
  {
    file: 'threads/registry.js',
    fault: 'an id is taken by a load and a store',
    edits: [
      [
        'if (Atomics.compareExchange(this.#words, at + THREAD_STATE, FREE, (owner << 2) | ALIVE) === FREE) {',
        'if (Atomics.load(this.#words, at + THREAD_STATE) === FREE) { Atomics.store(this.#words, at + THREAD_STATE, (owner << 2) | ALIVE);',
      ],
    ],
    caughtBy: threads,
  },
  {
    file: 'pools/watch.js',
    fault: 'a watched lease ends whatever became of its canaries',
    edits: [['if (this.#guard.end(ref)) {', 'if (this.#guard.end(ref) || true) {']],
    caughtBy: safety,
  },
  {
    file: 'slices/place.js',
    fault: 'of an edge, the last word is not looked at',
    edits: [['| (words[first + 3] ^ four(value))', '']],
    caughtBy: safety,
  },
  {
    file: 'pools/watch.js',
    fault: 'a slot is lent whatever became of its poison',
    edits: [['if (this.#guard.spoiled(ref, lease)) {', 'if (false) {']],
    caughtBy: safety,
  },
  {
    file: 'slices/guard.js',
    fault: 'of a large slice, the end is not poisoned',
    edits: [['place.setEdge(bytes - EDGE_BYTES, POISON);', '']],
    caughtBy: safety,
  },
];
