/**
 * An upload server: what is put to /NAME is hashed and gzipped in one pass, off the main thread, and
 * streamed to NAME.gz; the answer tells the digest of the body and the sizes.
 *
 *   request ──▶ chunk ─┬▶ a slice ──▶ sha256, an object that lives in a worker ──▶ digest
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
import type { Sha256 } from './sha256.js';

/** How many chunks the hash may be behind: it waits its turn among the gzip tasks of its thread. */
const MOST_BEHIND = 16;

export interface Upload {
  sha256: string;
  bytes: number;
  gzippedBytes: number;
}

/** Hashes and gzips `body` into the file `to`, which exists from the moment on that all is in it. */
export async function receive(
  mill: Mill,
  body: AsyncIterable<Buffer>,
  to: string,
): Promise<Upload> {
  await using hash = await mill.remote<Sha256>(new URL('./sha256.js', import.meta.url), 'Sha256');
  let sha256 = '';
  /** The same body; what passes is hashed. */
  async function* hashed(): AsyncGenerator<Buffer> {
    const updates: Promise<void>[] = [];
    try {
      for await (const chunk of body) {
        if (updates.length === MOST_BEHIND) await updates.shift();
        const slice = await mill.buffers.acquireAsync(chunk.length);
        slice.bytes.set(chunk);
        const update = hash.update(slice).finally(() => slice.release());
        // Whoever waits for it is told when it fails; nobody may be left to wait.
        update.catch(() => {});
        updates.push(update);
        yield chunk;
      }
      await Promise.all(updates);
      sha256 = await hash.digest();
    } finally {
      await Promise.allSettled(updates);
    }
  }
  const { bytesIn, bytesOut } = await mill.pump({ from: hashed(), op: gzip, to });
  return { sha256, bytes: bytesIn, gzippedBytes: bytesOut };
}

/** A server that keeps uploads in `folder`. */
export function uploadServer(mill: Mill, folder: string): Server {
  return createServer((request, response) => {
    void answerTo(request, mill, folder).then(([status, answer]) => {
      // The client may be gone: then nobody reads this.
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(answer)}\n`);
    });
  });
}

/** Status and body of the answer; never rejects. */
async function answerTo(
  request: IncomingMessage,
  mill: Mill,
  folder: string,
): Promise<[number, object]> {
  const [, name] = /^\/(\w[\w.-]*)$/.exec(request.url ?? '') ?? [];
  if (request.method !== 'PUT' || name === undefined) {
    return [400, { error: 'PUT a body to /NAME, of letters, digits, dots and dashes' }];
  }
  try {
    return [201, await receive(mill, request, join(folder, `${name}.gz`))];
  } catch (error) {
    return [500, { error: String(error) }];
  }
}

async function main(folder = 'uploads', port = '8080'): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const mill = await createMill();
  const server = uploadServer(mill, folder);
  server.listen(Number(port), () => {
    console.log(`Listening on port ${(server.address() as AddressInfo).port}`);
  });
  process.once('SIGTERM', () => void server.close(() => void mill.close()));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(...process.argv.slice(2));
}
