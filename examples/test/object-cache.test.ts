import { objectCache } from '@millrace/examples/object-cache';
import { adaptiveRelay, plainRelay } from '@millrace/examples/relay';
import { createMill } from 'millrace';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';

const KiB = 1024;
const MiB = 1024 * KiB;
const PATIENCE = { timeout: 30_000 };

const mill = await createMill({ threads: 1, memory: 64 * MiB, maxConcurrentLargeOps: 16 });
afterAll(() => mill.close());
const { adaptive: pool, buffers: pools } = mill;
const ways = [
  { way: 'adaptive', relay: adaptiveRelay(pool) },
  { way: 'plain', relay: plainRelay },
];

/** No buffer is in use. */
afterEach(() =>
  vi.waitFor(() => {
    expect(pools.stats().slices.live).toBe(0);
    expect(pool.stats().activeBuffers).toBe(0);
  }, PATIENCE),
);

function newFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function urlOf(server: Server): Promise<string> {
  server.listen(0);
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

/** An object named SIZE.SEED has that many bytes, of which no two MiB are the same. */
function objectNamed(name: string): Buffer {
  const [size, seed] = name.split('.').map(Number);
  const bytes = Buffer.alloc(size!, `${seed!} and more `);
  for (let at = 0; at + 4 <= size!; at += 4 * KiB) bytes.writeUInt32LE(at, at);
  return bytes;
}

interface Origin {
  readonly url: string;
  /** What was asked for. */
  readonly asked: string[];
  /** Answers wait in the middle of their bodies while it is there. */
  gate: Promise<void> | undefined;
}

/** Has every object; one whose seed is 0 ends midway, and `none` is not there. */
async function originServer(): Promise<Origin> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = request.url!.slice(1);
    asked.push(name);
    if (name === 'none') {
      response.writeHead(404).end('none');
      return;
    }
    const bytes = objectNamed(name);
    response.writeHead(200, { 'content-length': bytes.length });
    if (!name.endsWith('.0') && !origin.gate) {
      response.end(bytes);
      return;
    }
    response.write(bytes.subarray(0, bytes.length >> 1), () => {
      if (name.endsWith('.0')) response.destroy();
      else void origin.gate!.then(() => response.end(bytes.subarray(bytes.length >> 1)));
    });
  });
  const origin: Origin = { url: await urlOf(server), asked, gate: undefined };
  return origin;
}

interface Answer {
  readonly status: number;
  readonly cache: string | null;
  readonly body: Buffer;
}

async function fetched(url: string): Promise<Answer> {
  const response = await fetch(url);
  const { status, headers } = response;
  return { status, cache: headers.get('x-cache'), body: Buffer.from(await response.arrayBuffer()) };
}

/** Whether the two are the same, without a text of megabytes when they are not. */
function expectSame(got: Buffer, wanted: Buffer): void {
  expect(got.length).toBe(wanted.length);
  expect(got.equals(wanted)).toBe(true);
}

describe.each(ways)('the object cache, the $way way', ({ relay }) => {
  async function newCache(): Promise<{ url: string; folder: string; origin: Origin }> {
    const origin = await originServer();
    const folder = newFolder();
    return { url: await urlOf(objectCache(relay, origin.url, folder)), folder, origin };
  }

  test.each([0, 1, KiB, 100_000, 5 * MiB + 1])(
    'passes on an object of %d bytes, and has it the second time',
    async (size) => {
      const { url, folder, origin } = await newCache();
      const name = `${size}.1`;
      for (const wanted of ['miss', 'hit']) {
        const { status, cache, body } = await fetched(`${url}/${name}`);
        expect([status, cache]).toEqual([200, wanted]);
        expectSame(body, objectNamed(name));
        await vi.waitFor(() => expect(readdirSync(folder)).toEqual([name]), PATIENCE);
      }
      expectSame(readFileSync(join(folder, name)), objectNamed(name));
      expect(origin.asked).toEqual([name]);
    },
  );

  test('gives all of it to each who asks for an object at the same time', async () => {
    const { url, folder, origin } = await newCache();
    const name = `${3 * MiB}.1`;
    let open = (): void => {};
    origin.gate = new Promise((resolve) => (open = resolve));
    const answers = Array.from({ length: 6 }, () => fetched(`${url}/${name}`));
    await vi.waitFor(() => expect(origin.asked).toHaveLength(6), PATIENCE);
    open();
    for (const { body } of await Promise.all(answers)) expectSame(body, objectNamed(name));
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([name]), PATIENCE);
    expectSame(readFileSync(join(folder, name)), objectNamed(name));
  });

  test('keeps nothing of a client that leaves midway, and all for the next one', async () => {
    const { url, folder, origin } = await newCache();
    const name = `${20 * MiB}.1`;
    let open = (): void => {};
    origin.gate = new Promise((resolve) => (open = resolve));
    const leaving = get(`${url}/${name}`);
    leaving.on('error', () => {});
    const [body] = (await once(leaving, 'response')) as [IncomingMessage];
    await once(body, 'data');
    await vi.waitFor(() => expect(readdirSync(folder)).toHaveLength(1), PATIENCE);
    leaving.destroy();
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([]), PATIENCE);
    origin.gate = undefined;
    open();
    const answer = await fetched(`${url}/${name}`);
    expect(answer.cache).toBe('miss');
    expectSame(answer.body, objectNamed(name));
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([name]), PATIENCE);
  });

  test('keeps nothing of an origin that fails midway, and the client can tell', async () => {
    const { url, folder } = await newCache();
    await expect(fetched(`${url}/${20 * MiB}.0`)).rejects.toThrow('terminated');
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([]), PATIENCE);
  });

  test('answers for what it does not have', async () => {
    const { url, folder } = await newCache();
    expect(await fetched(`${url}/none`)).toMatchObject({ status: 404, cache: 'miss' });
    expect((await fetched(`${url}/..%2Fpasswd`)).status).toBe(400);
    expect((await fetch(`${url}/1.1`, { method: 'PUT', body: '1' })).status).toBe(400);
    const nobody = await urlOf(objectCache(relay, 'http://localhost:1', folder));
    expect((await fetched(`${nobody}/1.1`)).status).toBe(502);
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('memory stays as it is, however many objects have come by', async () => {
  const origin = await originServer();
  const folder = newFolder();
  const url = await urlOf(objectCache(adaptiveRelay(pool), origin.url, folder));
  const sizes = [KiB, 10 * KiB, 100 * KiB, KiB, 4 * KiB, 300 * KiB, 32 * KiB, 2 * MiB];
  /** Of each size one object that is new and is kept, and then again. */
  const some = async (seed: number): Promise<void> => {
    for (let time = 0; time < 2; time++) {
      const names = sizes.map((size, i) => `${size}.${100 * seed + i}`);
      const answers = await Promise.all(names.map((name) => fetched(`${url}/${name}`)));
      answers.forEach(({ body }, i) => expect(body.length).toBe(sizes[i]));
    }
  };
  for (let seed = 1; seed <= 4; seed++) await some(seed);
  const { openBytes } = pools.stats();
  const { servedBytes, allocatedBytes } = pool.stats();
  for (let seed = 5; seed <= 40; seed++) await some(seed);
  const after = pool.stats();
  expect(after.servedBytes - servedBytes).toBeGreaterThan(72 * sizes.reduce((a, b) => a + b) - 1);
  // Two slabs more at the most, and as much private memory as is kept, when more objects happen to be at work at once.
  expect(pools.stats().openBytes).toBeLessThanOrEqual(openBytes + 8 * MiB);
  expect(after.allocatedBytes - allocatedBytes).toBeLessThan(4 * MiB);
});

test('the program runs as it says', async () => {
  const origin = await originServer();
  const folder = newFolder();
  const program = fileURLToPath(new URL('../dist/object-cache.js', import.meta.url));
  const child = spawn(process.execPath, [program, origin.url, join(folder, 'cache'), '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const url = `http://localhost:${/^Listening on port (\d+)$/m.exec(said.toString())?.[1]}`;
  for (const cache of ['miss', 'hit']) {
    const answer = await fetched(`${url}/${64 * MiB}.7`);
    expect(answer.cache).toBe(cache);
    expectSame(answer.body, objectNamed(`${64 * MiB}.7`));
    await vi.waitFor(() => expect(readdirSync(join(folder, 'cache'))).toEqual([`${64 * MiB}.7`]));
  }
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
