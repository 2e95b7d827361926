// Faults of core/rings: published before written, freed before read, looked at too late, not told to who sleeps.

const byteRing = ['explore/byte-ring'];
const bytes = ['rings-byte-ring.test'];
const messageRing = ['explore/message-ring.test'];
const messageRingDeaths = ['explore/message-ring-deaths'];
const broadcastRing = ['explore/broadcast-ring'];

export const mutants = [
  {
    file: 'sync/event-count.js',
    fault: 'a sleeper looks before it announces itself',
    edits: [
      [
        'for (;;) { const seen = this.#announce(); if (ready()) return true; if (!this.#waiter',
        'for (;;) { if (ready()) return true; const seen = this.#announce(); if (!this.#waiter',
      ],
    ],
    caughtBy: byteRing,
  },
  {
    file: 'sync/event-count.js',
    fault: 'the count of rings does not grow with a ring',
    edits: [['(word + ONE_RING) & ~ASLEEP', 'word & ~ASLEEP']],
    caughtBy: messageRing,
  },
  {
    file: 'sync/event-count.js',
    fault: 'a ring notifies nobody',
    edits: [['=== word) { Atomics.notify(this.#words, this.#at);', '=== word) {']],
    caughtBy: byteRing,
  },
  {
    file: 'sync/event-count.js',
    fault: 'a sleeper leaves its mark before it has announced itself',
    edits: [
      [
        'const seen = Atomics.or(this.#words, this.#at, ASLEEP) | ASLEEP;',
        'if (this.#mark !== undefined) Atomics.or(this.#words, this.#mark, ASLEEP); const seen = Atomics.or(this.#words, this.#at, ASLEEP) | ASLEEP;',
      ],
      [
        'if (this.#mark !== undefined) Atomics.or(this.#words, this.#mark, ASLEEP); return seen;',
        'return seen;',
      ],
    ],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring-writer.js',
    fault: "the writer does not see the reader's mark",
    edits: [['(last & MARK) !== 0', 'false']],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring-reader.js',
    fault: "the reader does not see the writer's mark",
    edits: [['(last & MARK) !== 0', 'false']],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring.js',
    fault: 'burying a thread does not make up for the wake-up that it owed',
    edits: [['.ringAnyway();', '.ring();']],
    caughtBy: byteRing,
    named: 'died',
  },
  {
    file: 'rings/byte-copier.js',
    fault: 'words of eight bytes are copied past the end of the ring',
    edits: [[' && end <= this.#ring.length', '']],
    caughtBy: bytes,
  },
  {
    file: 'rings/byte-copier.js',
    fault: 'words of four bytes are taken for words of eight',
    edits: [['(places & 7) === 0', '(places & 3) === 0']],
    caughtBy: bytes,
  },
  {
    file: 'rings/byte-copier.js',
    fault: 'the words of the view before are used for another view',
    edits: [
      [
        'const eights = target === this.#other ? this.#otherEights : undefined',
        'const eights = this.#otherEights',
      ],
    ],
    caughtBy: bytes,
  },
  {
    file: 'rings/byte-ring-writer.js',
    fault: 'the tail is published before the bytes are written',
    edits: [
      [
        'this.#copier.into(this.#position & this.#mask, source, from, count);',
        'Atomics.store(this.#words, this.#at + TAIL, (this.#position + count) << 1); this.#copier.into(this.#position & this.#mask, source, from, count);',
      ],
    ],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring-writer.js',
    fault: 'what is not read yet is taken for room to fetch ahead',
    edits: [['if (used + AHEAD_BYTES <= this.#bytes.length)', 'if (used <= this.#bytes.length)']],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring-writer.js',
    fault: 'room is fetched ahead of the bytes that were put before',
    edits: [['(position + AHEAD_BYTES - 1) & -AHEAD_BYTES', 'position & -AHEAD_BYTES']],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring-writer.js',
    fault: 'the remembered head is never read anew',
    edits: [
      [
        'this.#head = Atomics.load(this.#words, this.#at + HEAD) >>> 1; return capacity',
        'return capacity',
      ],
    ],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring-writer.js',
    fault: 'there is room for one word more than there is',
    edits: [
      [
        'Atomics.load(this.#words, this.#at + HEAD) >>> 1; return capacity -',
        'Atomics.load(this.#words, this.#at + HEAD) >>> 1; return capacity + 4 -',
      ],
    ],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring-writer.js',
    fault: 'the writer has ended before its last bytes are published',
    edits: [
      ['this.#leave(ENDED); }', 'this.publish(); }'],
      ['end() { this.publish();', 'end() { this.#leave(ENDED);'],
    ],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring-reader.js',
    fault: 'the head is published before the bytes are read',
    edits: [
      [
        'this.#copier.outOf(this.#position & this.#mask, target, from, count);',
        'Atomics.store(this.#words, this.#at + HEAD, (this.#position + count) << 1); this.#copier.outOf(this.#position & this.#mask, target, from, count);',
      ],
    ],
    caughtBy: byteRing,
  },
  {
    file: 'rings/byte-ring-reader.js',
    fault: 'the reader looks for bytes before it looks whether the writer has ended',
    edits: [
      [
        'return Atomics.load(this.#words, this.#at + WRITER_STATE) !== OPEN && this.available === 0;',
        'return this.available === 0 && Atomics.load(this.#words, this.#at + WRITER_STATE) !== OPEN;',
      ],
    ],
    caughtBy: byteRing,
  },
  {
    file: 'rings/message-cells.js',
    fault: 'the exchange that claims cells is a store',
    edits: [
      [
        'if (Atomics.compareExchange(words, at, state, mine) === state) {',
        'Atomics.store(words, at, mine); {',
      ],
    ],
    caughtBy: messageRing,
  },
  {
    file: 'rings/message-cells.js',
    fault: 'the exchange that moves the index on is a store',
    edits: [
      [
        'Atomics.compareExchange(words, indexAt, position, next | 0);',
        'Atomics.store(words, indexAt, next | 0);',
      ],
    ],
    caughtBy: messageRing,
  },
  {
    file: 'rings/message-cells.js',
    fault: 'the lap does not grow when cells are freed',
    edits: [['this.lapOf(start + this.cells), count', 'this.lapOf(start), count']],
    caughtBy: messageRing,
  },
  {
    file: 'rings/message-cells.js',
    fault: 'the left-over of a run is written without a look whether others have moved on',
    edits: [['if (Atomics.load(words, indexAt) !== position) return;', '']],
    caughtBy: messageRing,
  },
  {
    file: 'rings/message-cells.js',
    fault: 'messages are published before they are written',
    edits: [
      [
        'fill(start, count, messages, length) { const { words } = this;',
        'fill(start, count, messages, length) { const { words } = this; this.publish(start, count);',
      ],
    ],
    caughtBy: messageRing,
  },
  {
    file: 'rings/message-cells.js',
    fault: 'cells are freed before their messages are copied',
    edits: [
      ['let taken = 0; for (let i = 0;', 'let taken = 0; this.free(start, count); for (let i = 0;'],
    ],
    caughtBy: messageRing,
  },
  {
    file: 'rings/message-ring.js',
    fault: 'a pop does not wake those who wait for room',
    edits: [['this.#roomBell.ring(); if (taken > 0)', 'if (taken > 0)']],
    caughtBy: messageRing,
  },
  {
    file: 'rings/message-ring.js',
    fault: 'reclaim does not make up for the wake-up that the dead owed',
    edits: [['this.#messagesBell.ringAnyway();', '']],
    caughtBy: messageRingDeaths,
  },
  {
    file: 'rings/message-sweep.js',
    fault: 'the index is not moved on for the dead',
    edits: [['cells.moveOn(kind, start, state);', '']],
    caughtBy: messageRingDeaths,
  },
  {
    file: 'rings/message-sweep.js',
    fault: 'the cells of a dead consumer are freed before its messages are handed over',
    edits: [
      [
        'if (orphan) handOver(cells, start, count, orphan); cells.free(start, count);',
        'cells.free(start, count); if (orphan) handOver(cells, start, count, orphan);',
      ],
    ],
    caughtBy: messageRingDeaths,
  },
  {
    file: 'rings/message-sweep.js',
    fault: 'the cells that a dead producer had claimed are not made void',
    edits: [['cells.fillVoid(start, count);', 'cells.publish(start, count);']],
    caughtBy: messageRingDeaths,
  },
  {
    file: 'rings/broadcast-writer.js',
    fault: 'the intent to write over messages is not written',
    edits: [['storePosition(words, intentAt, this.#intended);', '']],
    caughtBy: broadcastRing,
  },
  {
    file: 'rings/broadcast-writer.js',
    fault: 'more is written over than was announced',
    edits: [['if (end <= this.#intended)', 'if (end <= this.#intended + this.#ahead)']],
    caughtBy: broadcastRing,
  },
  {
    file: 'rings/broadcast-writer.js',
    fault: 'the intent is written after the message',
    edits: [
      [
        'this.#intend(1); this.#put(message, 0, length);',
        'this.#put(message, 0, length); this.#intend(0);',
      ],
    ],
    caughtBy: broadcastRing,
  },
  {
    file: 'rings/broadcast-writer.js',
    fault: 'a writer takes back what a dead one intended',
    edits: [['this.#intended = loadPosition(words, at + INTENT);', 'this.#intended = this.#next;']],
    caughtBy: broadcastRing,
  },
  {
    file: 'rings/broadcast-writer.js',
    fault: 'readers are rung before the message is published',
    edits: [
      [
        'storePosition(this.#words, this.#at + TAIL, this.#next); if (!this.#polled) this.#bell.ring();',
        'if (!this.#polled) this.#bell.ring(); storePosition(this.#words, this.#at + TAIL, this.#next);',
      ],
    ],
    caughtBy: broadcastRing,
  },
  {
    file: 'rings/broadcast-reader.js',
    fault: 'what was copied is not looked at again',
    edits: [['return this.#next >= this.#oldest();', 'return true;']],
    caughtBy: broadcastRing,
  },
  {
    file: 'rings/broadcast-reader.js',
    fault: 'the message being written over counts as whole',
    edits: [
      [
        'loadPosition(this.#words, this.#at + INTENT) - this.#shape.cells',
        'loadPosition(this.#words, this.#at + INTENT) - this.#shape.cells - 1',
      ],
    ],
    caughtBy: broadcastRing,
  },
  {
    file: 'rings/position.js',
    fault: 'the carry is stored after the low word that no longer holds it',
    edits: [
      ['if (words[at + 1] !== high) Atomics.store(words, at + 1, high);', ''],
      [
        'Atomics.store(words, at, ((high & 1) << LOW_BITS) | (position & LOW_MASK));',
        'Atomics.store(words, at, ((high & 1) << LOW_BITS) | (position & LOW_MASK)); if (words[at + 1] !== high) Atomics.store(words, at + 1, high);',
      ],
    ],
    caughtBy: broadcastRing,
  },
];
