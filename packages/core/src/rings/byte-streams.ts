/**
 * A byte ring as a pair of web streams: a `WritableStream` in one thread, a `ReadableStream` in the
 * other. Neither thread ever blocks: a side that cannot go on rests on the ring's event count.
 *
 * The web's streams refuse views of shared memory, so the bytes are copied at either end, once. What
 * can take shared memory (a file, a socket, Node's streams) is better served by `space` and `commit`,
 * `data` and `consume`, and `wait` of the two sides: that is how other kinds of stream are made.
 */
import { MillraceError } from '../errors.js';
import type { ByteRingReader } from './byte-ring-reader.js';
import type { ByteRingWriter } from './byte-ring-writer.js';
import { ringClosed } from './ring-closed.js';

const MOST_CHUNK_BYTES = 65_536;

/** How a ring's web streams behave. */
export interface ByteStreamOptions {
  /** Keeps the process alive while it waits for the other side. @defaultValue true */
  readonly keepAlive?: boolean;
}

/**
 * What the ring holds, as a stream of bytes (it may be read with one's own buffers). It closes when the
 * writer has ended; when the writer aborted or died, it fails with `ERR_RING_CLOSED` after the bytes
 * that were published. Cancelling it tells the writer.
 */
export function readableFrom(
  reader: ByteRingReader,
  { keepAlive = true }: ByteStreamOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const cancelled = new AbortController();
  return new ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: Math.min(reader.capacity, MOST_CHUNK_BYTES),
    async pull(controller) {
      try {
        await reader.wait(1, { keepAlive, signal: cancelled.signal });
      } catch (error) {
        if (cancelled.signal.aborted) return;
        throw error;
      }
      const request = controller.byobRequest;
      const view = request?.view;
      if (!request || !view) return;
      const count = reader.read(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
      if (count === 0) {
        if (reader.aborted) throw ringClosed('Cannot read on as the writer has gone');
        controller.close();
      }
      request.respond(count);
    },
    cancel(reason) {
      cancelled.abort(reason);
      reader.cancel();
    },
  });
}

/**
 * A stream whose chunks, `Uint8Array`s, go into the ring; it takes the next one when the last is in.
 * Closing it ends the ring, aborting it aborts the ring. It fails with `ERR_RING_CLOSED` once the
 * reader has cancelled.
 */
export function writableTo(
  writer: ByteRingWriter,
  { keepAlive = true }: ByteStreamOptions = {},
): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    async write(chunk, { signal }) {
      if (!(chunk instanceof Uint8Array)) {
        throw new MillraceError(
          'ERR_INVALID_ARG',
          `Cannot write a chunk of type ${typeof chunk} as chunks must be of Uint8Array`,
        );
      }
      for (let written = 0; ;) {
        if (writer.cancelled) throw ringClosed('Cannot write on as the reader has gone');
        written += writer.write(chunk, written);
        if (written === chunk.length) return;
        try {
          await writer.wait(1, { keepAlive, signal });
        } catch (error) {
          // Streams hand the reason of an abort on as it is.
          signal.throwIfAborted();
          throw error;
        }
      }
    },
    close() {
      writer.end();
    },
    abort() {
      writer.abort();
    },
  });
}
