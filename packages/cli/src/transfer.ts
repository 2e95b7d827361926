/** Moves the bytes of one source to one target, through the mill or, decompressing, through one thread. */
import { basename } from 'node:path';
import type { FlowProgress } from '@millrace/workers';
import type { GzipOptions } from './gzip-options.js';
import type { Mills } from './mills.js';
import type { Source } from './source.js';
import type { Target } from './target.js';

export interface Transferred {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly elapsedMs: number;
  readonly threads: number;
  /** Bytes after the compressed data that are no part of it. */
  readonly trailingBytes: number;
}

interface Flow {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FlowProgress) => void;
}

export async function compress(
  source: Source,
  target: Target,
  { level }: GzipOptions,
  mills: Mills,
  flow: Flow,
): Promise<Transferred> {
  const { gzip } = await import('@millrace/workers/ops');
  const { from, stats, name } = source;
  const chunkBytes = gzip.definition.split?.size ?? 1;
  const chunks = stats.isFile() ? Math.ceil(Number(stats.size) / chunkBytes) : undefined;
  const mill = await mills.forChunks(chunks);
  const params = { level, mtime: mtimeFor(source), ...(name !== '-' && { name: basename(name) }) };
  const report = await mill.pump({ from, op: gzip, params, to: target.to, ...flow });
  return { ...report, trailingBytes: 0 };
}

export async function decompress(source: Source, target: Target, flow: Flow): Promise<Transferred> {
  const workers = await import('@millrace/workers/internal');
  const report = await workers.decompress({ from: source.from, to: target.to, ...flow });
  return { ...report, threads: 1 };
}

/** Whole seconds, which the header has 32 bits for; 0 means that none is noted. */
function mtimeFor({ stats }: Source): number {
  if (!stats.isFile()) return 0;
  const seconds = Math.floor(Number(stats.mtimeMs) / 1000);
  return seconds > 0 && seconds < 2 ** 32 ? seconds : 0;
}
