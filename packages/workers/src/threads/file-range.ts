/**
 * How workers read and write their own ranges of files. Reads and writes may do less than they were asked
 * for, so each goes on until all is done.
 */
import { readSync, writeSync } from 'node:fs';
import { MillraceError } from '@millrace/core';
import { PAGE_BYTES } from '@millrace/core/internal';

/** How many bytes the whole pages have that `bytes` bytes lie in, from a page's beginning. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

/**
 * Reads until `into` is full or the file ends; returns how many bytes came.
 *
 * @param direct `into` begins and ends with a page, as `position` does: a read that ends within a page has
 *   met the end of the file, and to ask for more from there would be an error
 * @throws MillraceError `ERR_READ`
 */
export function readRange(
  file: number,
  into: Uint8Array,
  position: number,
  direct: boolean,
): number {
  let got = 0;
  while (got < into.length) {
    let count: number;
    try {
      count = readSync(file, into, got, into.length - got, position + got);
    } catch (cause) {
      throw new MillraceError('ERR_READ', `Cannot read the input: ${(cause as Error).message}`, {
        cause,
      });
    }
    got += count;
    if (count === 0 || (direct && count % PAGE_BYTES !== 0)) break;
  }
  return got;
}

/** @throws MillraceError `ERR_WRITE` */
export function writeRange(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(file, bytes, done, bytes.length - done, position + done);
    } catch (cause) {
      throw new MillraceError('ERR_WRITE', `Cannot write the output: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}
