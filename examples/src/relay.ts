/**
 * How bytes come through the object cache, in two ways: with buffers of an adaptive pool, and with the
 * streams of Node, for comparison.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, type FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readerOf, writerOf, type AdaptiveBufferPool } from 'millrace';

export interface Passing {
  /** Bytes of the object, if they are known. */
  readonly size: number | undefined;
  /** Aborts when nobody wants the object any more. */
  readonly signal: AbortSignal;
}

export interface Relay {
  /** Sends `body` to a client; a second copy goes to `file`, which is there when it is whole, and only then. */
  pass(
    body: IncomingMessage,
    client: ServerResponse,
    file: string | undefined,
    passing: Passing,
  ): Promise<void>;
  /** Sends a file to a client. */
  serve(file: FileHandle, client: ServerResponse, passing: Passing): Promise<void>;
}

/** Each chunk is read into a buffer of the pool once, and written to the client and to the file from there. */
export function adaptiveRelay(pool: AdaptiveBufferPool): Relay {
  return {
    async pass(body, client, file, { size, signal }) {
      const to = writerOf(client);
      if (file === undefined) {
        await pool.copyBuffer(to, readerOf(body), size, { signal });
        await to.close?.();
        return;
      }
      const tee = pool.tee(readerOf(body), writerOf(file), { size });
      try {
        await tee.pipeTo(to, { signal });
      } finally {
        // The file is in its place then, or not there at all. A disk that is full is not the client's business.
        await tee.finished;
      }
    },

    async serve(file, client, { size, signal }) {
      const to = writerOf(client);
      await pool.copyBuffer(to, readerOf({ file, position: 0 }), size, { signal });
      await to.close?.();
    },
  };
}

/** The plain way. */
export const plainRelay: Relay = {
  async pass(body, client, file, { signal }) {
    if (file === undefined) return pipeline(body, client, { signal });
    const partial = join(dirname(file), `.${basename(file)}.partial`);
    const both = await Promise.allSettled([
      pipeline(body, client, { signal }),
      pipeline(body, createWriteStream(partial), { signal }),
    ]);
    const failed = both.find((each) => each.status === 'rejected');
    if (!failed) return rename(partial, file);
    await rm(partial, { force: true });
    throw failed.reason;
  },

  async serve(file, client, { signal }) {
    await pipeline(createReadStream('', { fd: file, autoClose: false, start: 0 }), client, {
      signal,
    });
  },
};
