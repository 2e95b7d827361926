/** What a file is mapped by. */
import type { BufferPools } from '@millrace/core';
import { PAGE_BYTES, invalidSetting } from '@millrace/core/internal';

/** `read`: it can only be viewed. `read-write`: it can be edited, and is written back. */
export type MapMode = 'read' | 'read-write';

const MODES: readonly MapMode[] = ['read', 'read-write'];

export interface MapOptions {
  /** The first byte of the range. @defaultValue 0 */
  readonly start?: number | undefined;
  /**
   * The byte behind its last. With `read-write` a file that is shorter is made so long, with zeros.
   *
   * @defaultValue the file's size
   */
  readonly end?: number | undefined;
  /** @defaultValue 'read' */
  readonly mode?: MapMode | undefined;
  /**
   * Bytes that are read at a time, each into a slice: a multiple of 4096. What a slice size has not just so
   * many of takes the next larger one. @defaultValue 256 KiB
   */
  readonly chunkBytes?: number | undefined;
  /** The most bytes of memory that it takes; a chunk in any case. @defaultValue an eighth of the mill's `memory` */
  readonly cacheBytes?: number | undefined;
  /**
   * Reads and writes past the system's page cache (`O_DIRECT`), for which `start` must be a multiple of 4096.
   * Where that cannot be had it goes by the page cache: `direct` of the range says so, and `notes` why.
   * @defaultValue false
   */
  readonly direct?: boolean | undefined;
  /** Ends the opening, with `ERR_ABORTED`; the range itself is closed by `close`. */
  readonly signal?: AbortSignal | undefined;
}

export interface CheckedMap {
  readonly start: number;
  readonly end: number | undefined;
  readonly mode: MapMode;
  readonly chunkBytes: number;
  readonly cacheBytes: number;
  readonly direct: boolean;
  readonly signal: AbortSignal | undefined;
}

const CHUNK_BYTES = 256 * 1024;
/** One in so many bytes of the memory is a mapped range's. */
const CACHE_PART = 8;

/** @throws MillraceError `ERR_INVALID_ARG`, which names the option, its value and the rule */
export function checkedMap(options: MapOptions, buffers: BufferPools): CheckedMap {
  const {
    start = 0,
    end,
    mode = 'read',
    chunkBytes = CHUNK_BYTES,
    cacheBytes = Math.floor(buffers.memoryBytes / CACHE_PART),
    direct = false,
    signal,
  } = options;
  need('mode', mode, MODES.includes(mode), `one of ${MODES.join(', ')}`);
  need('start', start, isPosition(start), 'an integer of 0 or more');
  const isEnd = end === undefined || (isPosition(end) && end >= start);
  need('end', end, isEnd, `an integer of "start", which is ${start}, or more`);
  const isChunk = isPosition(chunkBytes) && chunkBytes > 0 && chunkBytes % PAGE_BYTES === 0;
  const { largest } = buffers;
  const rule = `a multiple of ${PAGE_BYTES} up to ${largest}, which is the largest slice`;
  need('chunkBytes', chunkBytes, isChunk && chunkBytes <= largest, rule);
  need('cacheBytes', cacheBytes, cacheBytes > 0, 'a number above 0');
  return { start, end, mode, chunkBytes, cacheBytes, direct, signal };
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function need(name: keyof MapOptions, value: unknown, holds: boolean, rule: string): void {
  if (holds) return;
  throw invalidSetting('map a file with', name, value, rule);
}
