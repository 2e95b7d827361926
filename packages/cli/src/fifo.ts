/**
 * Opening a FIFO to write to it.
 *
 * A plain `open` waits for a reader on a thread of libuv's pool, and a process that exits waits for that
 * thread: an interrupt would not end it. So we ask again and again instead.
 */
import { constants } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { openAsync } from './descriptors.js';

const ASK_EVERY_MS = 20;

/** Resolves with the descriptor when somebody reads from the FIFO. @throws when aborted */
export async function openForReader(path: string, signal: AbortSignal): Promise<number> {
  for (;;) {
    try {
      return await openAsync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    }
    await setTimeout(ASK_EVERY_MS, undefined, { signal });
  }
}
