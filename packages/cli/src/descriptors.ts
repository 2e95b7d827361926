/**
 * Descriptors, and writing text to standard output and standard error.
 *
 * Text does not go through `process.stdout` and `process.stderr`: touching them makes a pipe non-blocking for every
 * process that shares it, and their writes may be lost when the process exits.
 */
import { close, fstat, open, writeSync, type BigIntStats } from 'node:fs';
import { promisify } from 'node:util';

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

export const openAsync = promisify<string, number, number>(open);
export const closeAsync = promisify(close);
export const fstatAsync = promisify<number, { bigint: true }, BigIntStats>(fstat);

const RETRY_MS = 5;
/** A reader of our messages that stalls for this long does not get them. */
const PATIENCE_MS = 5000;

/** Writes all of `text`. @throws the system's error */
export function writeText(descriptor: number, text: string): void {
  let left: Uint8Array = Buffer.from(text, 'utf8');
  let patienceMs = PATIENCE_MS;
  while (left.length > 0) {
    try {
      const written = writeSync(descriptor, left);
      left = left.subarray(written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || patienceMs <= 0) throw error;
      // Somebody made the pipe non-blocking, and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      patienceMs -= RETRY_MS;
    }
  }
}
