/**
 * The ground: what a mill's threads need of core before anything is leased there. The rest is five times as much: they
 * load it when an op first leases, see mill.ts. It is internal.
 */
export { MillraceError } from './errors.js';
export { memoryOf } from './memory/arena.js';
export { callCollector } from './memory/collector.js';
export { PAGE_BYTES } from './memory/geometry.js';
export { LINE, MAX_THREADS } from './memory/layout.js';
export { SlabTable } from './memory/slab-table.js';
export { StripedCounters, addTo } from './metrics/counters.js';
export { Slice } from './slices/slice.js';
export { semaphoreWords } from './sync/permit-words.js';
