/**
 * Explanations: what an adaptive pool would do with an object of some size, and why.
 */
import { SMALL_BYTES, categoryOf, type ObjectCategory } from './category.js';
import { chunkSizes, expectedNs, optimalChunkSize, type ChunkTerms } from './chunk-size.js';
import type { CheckedConfig } from './config.js';
import { selectStrategy, type PlainStrategy } from './strategy.js';

/** What an object of `size` bytes is, how it is handled, and why. */
export interface Explanation {
  readonly size: number | undefined;
  readonly category: ObjectCategory;
  readonly strategy: PlainStrategy;
  /** Bytes of a chunk, if it is handled in chunks. */
  readonly chunkSize: number;
  /** A sentence for each decision, in the order in which they are made. */
  readonly reasons: readonly string[];
}

export function explanation(terms: ChunkTerms, size: number | undefined): Explanation {
  const { config } = terms;
  const category = categoryOf(config, size);
  const strategy = selectStrategy(config, size);
  const chunkSize = optimalChunkSize(terms, size);
  const reasons = [
    whyCategory(config, size, category),
    whyStrategy(config, category, strategy),
    whyChunkSize(terms, size, chunkSize),
    ...whyPressure(terms, strategy),
  ];
  return { size, category, strategy, chunkSize, reasons };
}

function whyCategory(
  { largeObjectThreshold: large, veryLargeObjectThreshold: veryLarge }: CheckedConfig,
  size: number | undefined,
  category: ObjectCategory,
): string {
  if (size === undefined) return 'Its size is not known, so it may be very large';
  const reason: Record<ObjectCategory, string> = {
    small: `small: fewer than ${SMALL_BYTES}`,
    medium: `medium: at least ${SMALL_BYTES}, and fewer than "largeObjectThreshold", which is ${large}`,
    large: `large: at least "largeObjectThreshold", which is ${large}, and fewer than "veryLargeObjectThreshold", which is ${veryLarge}`,
    veryLarge: `very large: at least "veryLargeObjectThreshold", which is ${veryLarge}`,
  };
  return `${size} bytes are ${reason[category]}`;
}

function whyStrategy(
  { enabled, largeObjectStrategy }: CheckedConfig,
  category: ObjectCategory,
  strategy: PlainStrategy,
): string {
  if (!enabled) return 'It is handled directly as "enabled" is false';
  if (strategy === 'pooled') {
    return 'It is pooled: one slice holds it, which costs less than memory of its own';
  }
  if (category === 'large') {
    return `It is ${strategy}, as "largeObjectStrategy" is ${largeObjectStrategy}`;
  }
  return 'It is handled directly: the pools are left to others, and its chunks are private memory that is used again';
}

function whyChunkSize(terms: ChunkTerms, size: number | undefined, chunkSize: number): string {
  const { config, cores, costs, pressure } = terms;
  const sizes = chunkSizes(terms, size);
  if (pressure === 'critical') {
    return `Chunks have ${chunkSize} bytes, "minBufferSize", as memory is critically short`;
  }
  if (size === undefined) {
    return `Chunks have ${chunkSize} bytes as "defaultBufferSize" is ${config.defaultBufferSize}`;
  }
  if (sizes.length === 1) {
    const why = chunkSize >= size ? 'one holds it all' : 'the settings allow no other size';
    return `Chunks have ${chunkSize} bytes, as ${why}`;
  }
  const costsOf = sizes.map((bytes) => {
    const us = (expectedNs(terms, size, bytes) / 1000).toFixed(1);
    return `${bytes} bytes take ${us} µs`;
  });
  const rates = `${costs.chunkNs.toFixed(0)} ns a chunk and ${costs.byteNs.toFixed(3)} ns a byte`;
  return `Chunks have ${chunkSize} bytes as that is fastest on ${cores} ${cores === 1 ? 'core' : 'cores'} at ${rates}: ${costsOf.join(', ')}`;
}

function whyPressure({ pressure }: ChunkTerms, strategy: PlainStrategy): string[] {
  if (pressure === 'normal') return [];
  if (pressure === 'critical') {
    return ['Copies go by one chunk of private memory at a time until memory is less short'];
  }
  const instead = strategy === 'direct' ? '' : ', in chunks where it would be pooled';
  return [`Pressure on memory is elevated: copies go by one smaller chunk at a time${instead}`];
}
