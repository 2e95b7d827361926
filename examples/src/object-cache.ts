/**
 * An object cache: a proxy that keeps what it has passed on. What is asked for as /NAME comes from a file
 * of that name, or from the origin, and is kept on its way.
 *
 *   origin ──▶ chunk ─┬▶ client
 *                     └▶ NAME, there when it is whole
 *
 * Objects of a kilobyte and of many megabytes come by side by side, and all go through buffers that are
 * used again: memory stays the same. A client that leaves, or an origin that fails midway, leaves no file
 * behind. Who asks for an object while the first client still receives it has it from the origin too, and
 * does not wait for the first one.
 *
 *     node examples/dist/object-cache.js http://localhost:9000 cache 8080
 *     curl http://localhost:8080/some-object
 */
import { mkdirSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import {
  Agent,
  createServer,
  get,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMill } from 'millrace';
import { adaptiveRelay, plainRelay, type Relay } from './relay.js';

const MiB = 1024 * 1024;

/** What `origin` has, a URL, is kept in `folder`. */
export function objectCache(relay: Relay, origin: string, folder: string): Server {
  const agent = new Agent({ keepAlive: true });
  /** Names of objects that somebody keeps just now. */
  const keeping = new Set<string>();

  async function answer(name: string, client: ServerResponse, signal: AbortSignal): Promise<void> {
    const path = join(folder, name);
    const file = await openIfThere(path);
    if (file) {
      try {
        const { size } = await file.stat();
        client.writeHead(200, { 'content-length': size, 'x-cache': 'hit' });
        await relay.serve(file, client, { size, signal });
      } finally {
        await file.close();
      }
      return;
    }
    const body = await getFrom(`${origin}/${name}`, agent, signal);
    const { statusCode = 502, headers } = body;
    const length = headers['content-length'];
    const keep = statusCode === 200 && !keeping.has(name);
    client.writeHead(statusCode, {
      'x-cache': 'miss',
      ...(length !== undefined && { 'content-length': length }),
    });
    if (keep) keeping.add(name);
    try {
      const size = length === undefined ? undefined : Number(length);
      await relay.pass(body, client, keep ? path : undefined, { size, signal });
    } finally {
      if (keep) keeping.delete(name);
    }
  }

  const server = createServer((request, client) => {
    const [, name] = /^\/(\w[\w.-]*)$/.exec(request.url ?? '') ?? [];
    if (request.method !== 'GET' || name === undefined) {
      client.writeHead(400).end('GET /NAME, of letters, digits, dots and dashes\n');
      return;
    }
    const gone = new AbortController();
    client.once('close', () => {
      if (!client.writableFinished) gone.abort();
    });
    answer(name, client, gone.signal).catch((error: unknown) => {
      // Whoever has the half of it must not take it for the whole.
      if (client.headersSent) client.destroy();
      else client.writeHead(502).end(`${String(error)}\n`);
    });
  });
  server.on('close', () => agent.destroy());
  return server;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The answer of the origin, whose body is to be read. */
function getFrom(url: string, agent: Agent, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent });
    const leave = (): void => void request.destroy(new Error('The client has left'));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    request.on('error', reject);
    request.on('response', (body) => {
      signal.removeEventListener('abort', leave);
      resolve(body);
    });
  });
}

async function main(
  origin = 'http://localhost:9000',
  folder = 'cache',
  port = '8080',
  way = '',
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  // Nothing is computed here: one thread will do, and rests. Large objects wait for the network most of their time, so
  // that many of them may be under way at once.
  const mill = await createMill({ threads: 1, memory: 64 * MiB, maxConcurrentLargeOps: 16 });
  const relay = way === 'plain' ? plainRelay : adaptiveRelay(mill.adaptive);
  const server = objectCache(relay, origin, folder).listen(Number(port), () => {
    console.log(`Listening on port ${(server.address() as AddressInfo).port}`);
  });
  process.once('SIGTERM', () => void server.close(() => void mill.close()));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(...process.argv.slice(2));
}
