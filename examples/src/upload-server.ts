/**
 * An upload server: what is put to /NAME is hashed and gzipped in one pass, off the main thread, and
 * streamed to NAME.gz; the answer tells the digest of the body and the sizes.
 *
 *   request ──▶ chunk ─┬▶ a slice ──▶ sha256, on a thread of its own ──▶ digest
 *                      └▶ slices ───▶ gzip, on every thread ──▶ NAME.gz, there when it is whole
 *
 * Memory stays the same whatever the body's size: when disk or threads fall behind, the request is read
 * no further, and the client waits. A client that leaves leaves nothing behind: no file, no slice.
 *
 *     node examples/dist/upload-server.js uploads 8080
 *     curl --upload-file big.log http://localhost:8080/big.log
 */
import { mkdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMill, type Mill } from 'millrace';
import { gzip } from 'millrace/ops';
import { digest, extend, forget } from './hashes.js';

const MiB = 1024 * 1024;

export interface Upload {
  sha256: string;
  bytes: number;
  gzippedBytes: number;
}

export interface Mills {
  /** Any number of threads. */
  readonly gzipping: Mill;
  /** One thread, where the hashes' states are. */
  readonly hashing: Mill;
}

let uploads = 0;

/** Hashes and gzips `body` into the file `to`, which exists from the moment on that all is in it. */
export async function receive(
  { gzipping, hashing }: Mills,
  body: AsyncIterable<Buffer>,
  to: string,
): Promise<Upload> {
  const id = uploads++;
  let bytes = 0;
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const chunk of body) {
      using slice = await hashing.buffers.acquireAsync(chunk.length);
      slice.bytes.set(chunk);
      const extended = hashing.call(extend, [id, bytes, slice]);
      // It is gzipped meanwhile; should that fail, nobody comes back for the hash.
      extended.catch(() => {});
      try {
        yield chunk;
      } finally {
        await extended;
      }
      bytes += chunk.length;
    }
  }
  try {
    const { bytesOut } = await gzipping.pump({ from: hashed(), op: gzip, to });
    return { sha256: await hashing.call(digest, [id, bytes]), bytes, gzippedBytes: bytesOut };
  } catch (error) {
    // That may fail too, when the mill is closed: the first error counts.
    await hashing.call(forget, [id]).catch(() => {});
    throw error;
  }
}

/** A server that keeps uploads in `folder`. */
export function uploadServer(mills: Mills, folder: string): Server {
  return createServer((request, response) => {
    void answerTo(request, mills, folder).then(([status, answer]) => {
      // The client may be gone: then nobody reads this.
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(answer)}\n`);
    });
  });
}

/** Status and body of the answer; never rejects. */
async function answerTo(
  request: IncomingMessage,
  mills: Mills,
  folder: string,
): Promise<[number, object]> {
  const [, name] = /^\/(\w[\w.-]*)$/.exec(request.url ?? '') ?? [];
  if (request.method !== 'PUT' || name === undefined) {
    return [400, { error: 'PUT a body to /NAME, of letters, digits, dots and dashes' }];
  }
  try {
    return [201, await receive(mills, request, join(folder, `${name}.gz`))];
  } catch (error) {
    return [500, { error: String(error) }];
  }
}

async function main(folder = 'uploads', port = '8080'): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const gzipping = await createMill({ memory: 64 * MiB });
  const hashing = await createMill({ threads: 1, memory: 16 * MiB });
  const server = uploadServer({ gzipping, hashing }, folder);
  server.listen(Number(port), () => {
    console.log(`Listening on port ${(server.address() as AddressInfo).port}`);
  });
  process.once('SIGTERM', () => {
    server.close(() => void Promise.all([gzipping.close(), hashing.close()]));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(...process.argv.slice(2));
}
