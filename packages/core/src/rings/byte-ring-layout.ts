/**
 * The words of a byte ring and where they lie. Nothing but offsets stands here.
 *
 *   line 0   HEAD          how far the reader has read           │ written by the reader, and the writer's mark
 *   line 1   TAIL          how far the writer has published      │ written by the writer, and the reader's mark
 *   line 2   READER_BELL   where the reader sleeps               │ written seldom: when somebody
 *            WRITER_BELL   where the writer sleeps               │ sleeps, is woken, or leaves
 *            WRITER_STATE  0 open │ ENDED │ ABORTED
 *            READER_STATE  0 open │ CANCELLED
 *
 *   HEAD, TAIL   31                1   0
 *                |  bytes, mod 2^31  | mark |      mark: the other side sleeps until this word changes
 *
 * The byte at position p lies at p modulo the capacity. So zeroed words are an empty, open ring. Both sides publish
 * by an exchange, which returns the mark: they look at the third line only when somebody sleeps.
 */
import { LINE } from '../memory/layout.js';

export const HEAD = 0;
export const TAIL = LINE;
export const READER_BELL = 2 * LINE;
export const WRITER_BELL = 2 * LINE + 1;
export const WRITER_STATE = 2 * LINE + 2;
export const READER_STATE = 2 * LINE + 3;
export const BYTE_RING_WORDS = 3 * LINE;

export const OPEN = 0;
/** The writer has written all there is. */
export const ENDED = 1;
/** The writer has given up, or died. */
export const ABORTED = 2;
/** The reader wants no more, or died. */
export const CANCELLED = 1;

export const FEWEST_BYTES = 8;
/** Positions count to this, and begin anew. */
export const MOST_POSITION = 2 ** 31 - 1;
/** Less than positions can tell apart. */
export const MOST_BYTES = 2 ** 30;
