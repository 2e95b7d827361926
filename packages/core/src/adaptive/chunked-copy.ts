/**
 * Copies from a reader to a writer in chunks, which are leased once and used again. While a write is
 * under way the next chunk is read, so that there are two of them at most.
 *
 *   reader ──▶ [ chunk ] ─────────▶ writer
 *              [ chunk ] ◀─read ahead
 */
import { MillraceError } from '../errors.js';
import type { ByteReader, ByteWriter } from './byte-io.js';
import { ChunkStock, type ChunkSource } from './chunk-stock.js';
import { ReaderFillings } from './fillings.js';
import { Transfer } from './transfer.js';

export interface ChunkedCopyOptions {
  /** Bytes of a chunk. */
  readonly chunkSize: number;
  /**
   * Whether it is an error when the input has not just `size` bytes. Otherwise what there is is copied.
   *
   * @defaultValue false
   */
  readonly exact?: boolean;
  /** Ends the copy. */
  readonly signal?: AbortSignal;
}

/**
 * Copies all of `src` to `dst`, which is not closed, as more may be written to it.
 *
 * When an end fails, or the copy is aborted, `src` is cancelled and `dst` aborted, and it settles once
 * they are done with all chunks; an end that cannot be told, for want of `cancel` or `abort`, is not
 * waited for, and its chunk is given back when it is.
 *
 * @param size how many bytes the input should have; `undefined` when that is not known
 * @returns how many bytes were copied; at once, when neither end ever has to be waited for and it takes no
 *   longer than a millisecond
 * @throws MillraceError, always as a rejection: `ERR_READ`, `ERR_WRITE`, `ERR_ABORTED`; `ERR_SIZE_MISMATCH`
 *   when it must be exact and is not: an input that is too long is found out before its excess is written;
 *   what `chunks` throws
 */
export function copyInChunks(
  dst: ByteWriter,
  src: ByteReader,
  size: number | undefined,
  chunks: ChunkSource,
  { chunkSize, exact = false, signal }: ChunkedCopyOptions,
): number | Promise<number> {
  const stock = new ChunkStock(chunks, chunkSize, true);
  const fillings = new ReaderFillings(src, stock);
  return new Transfer(fillings, dst, checkedSize(size, exact), signal, () => stock.close()).begin();
}

/** The size that is insisted on. */
function checkedSize(size: number | undefined, exact: boolean): number | undefined {
  if (size === undefined && !exact) return undefined;
  if (size === undefined || !Number.isInteger(size) || size < 0) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot copy ${String(size)} bytes${exact ? ' exactly' : ''}: give an integer, 0 or more`,
    );
  }
  return exact ? size : undefined;
}
