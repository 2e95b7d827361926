/**
 * Which size the chunks of an object have: the class with which it takes the least time.
 *
 *   time = chunks × a / cores  +  bytes × b / cores  +  a + b × chunk
 *          └ small chunks cost ┘   └ the same ┘         └ the first chunk, on which all others wait ┘
 *
 * a and b are what chunks and bytes cost, see `cost-model.ts`.
 */
import { SIZE_CLASSES } from '../memory/size-classes.js';
import type { MemoryPressure } from '../pools/pressure.js';
import type { CheckedConfig } from './config.js';
import type { CostModel } from './cost-model.js';

/** Chunks of large objects are not smaller than this unless something forbids it. */
const LEAST_CHUNK = 64 * 1024;
/** How much smaller chunks are while pressure is elevated. */
const ELEVATED_PART = 4;

export interface ChunkTerms {
  readonly config: CheckedConfig;
  readonly cores: number;
  readonly costs: CostModel;
  readonly pressure: MemoryPressure;
}

/** The sizes that chunks may have, ascending. */
export function chunkSizes({ config, pressure }: ChunkTerms, size: number | undefined): number[] {
  const { minBufferSize, chunkSize, defaultBufferSize } = config;
  if (pressure === 'critical') return [minBufferSize];
  const part = pressure === 'elevated' ? ELEVATED_PART : 1;
  const most = Math.max(minBufferSize, Math.floor(chunkSize / part));
  if (size === undefined) return [Math.min(most, defaultBufferSize)];
  // An object that a chunk holds is one chunk, and that need not be larger.
  const enough = SIZE_CLASSES.find((bytes) => bytes >= size) ?? Infinity;
  if (enough <= most) return [Math.max(minBufferSize, enough)];
  const least = Math.min(most, Math.max(minBufferSize, Math.floor(LEAST_CHUNK / part)));
  const classes = SIZE_CLASSES.filter((bytes) => bytes >= least && bytes < most);
  return [...classes, most];
}

/** Nanoseconds that an object of `size` bytes is expected to take in chunks of `chunkSize`. */
export function expectedNs({ cores, costs }: ChunkTerms, size: number, chunkSize: number): number {
  const chunks = Math.ceil(size / chunkSize);
  return costs.expect(chunks, size) / cores + costs.expect(1, Math.min(chunkSize, size));
}

/** The size among {@link chunkSizes} with which an object of `size` bytes takes the least time. */
export function optimalChunkSize(terms: ChunkTerms, size: number | undefined): number {
  const sizes = chunkSizes(terms, size);
  let best = sizes[0]!;
  if (size === undefined || sizes.length === 1) return best;
  let leastNs = Infinity;
  for (const chunkSize of sizes) {
    const ns = expectedNs(terms, size, chunkSize);
    if (ns >= leastNs) continue;
    leastNs = ns;
    best = chunkSize;
  }
  return best;
}
