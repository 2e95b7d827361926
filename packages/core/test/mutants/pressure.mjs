// Faults of the memory manager: levels that flutter, uses that go unseen, memory that is given back in name alone.

const manager = ['test/pools/memory-manager.test'];

export const mutants = [
  {
    file: 'pools/pressure.js',
    fault: 'a level is left where it is entered',
    edits: [['(before === 2 && value > critical * leftAt)', 'false']],
    caughtBy: ['test/pools/pressure.test'],
  },
  {
    file: 'pools/occupancy.js',
    fault: 'a slot that another has taken out of a magazine counts as free',
    edits: [['if (Atomics.load(words, layout.slotsAt + ref * LINE) === word)', 'if (true)']],
    caughtBy: manager,
  },
  {
    file: 'pools/idle-since.js',
    fault: 'what was used between two looks was idle',
    edits: [['if (seen?.stamp === stamp)', 'if (seen)']],
    caughtBy: manager,
  },
  {
    file: 'slices/slab-life.js',
    fault: 'an idle slab looks the same whether its slots were used or not',
    edits: [['stamp = fold(stamp, word);', '']],
    caughtBy: manager,
  },
  {
    file: 'pools/pool-room.js',
    fault: 'the collector does not hear of arenas that were dropped',
    edits: [['if (this.#uncollected && index === 0)', 'if (false)']],
    caughtBy: manager,
  },
  {
    file: 'pools/pool-room.js',
    fault: 'an arena that cannot be renewed ends the relief, its slabs held back for ever',
    edits: [["error.code === 'ERR_ARENA_UNAVAILABLE'", 'false']],
    caughtBy: manager,
  },
  {
    file: 'pools/pool-room.js',
    fault: 'arenas are looked at again and again for nothing',
    edits: [['arena.knownBytes > 0', 'arena.byteLength > 0']],
    caughtBy: manager,
  },
];
