import { receive, uploadServer } from '@millrace/examples/upload-server';
import { createMill } from 'millrace';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import * as gates from './gate.mjs';
import { linesOf } from './programs.ts';
import { turnsDuring } from './turns.ts';

const MiB = 1024 * 1024;
const PATIENCE = { timeout: 30_000 };

const mill = await createMill({ threads: 2, memory: 64 * MiB });
afterAll(() => mill.close());

/** No slice is lent, no task is left, and no hash lives in a thread. */
async function expectIdle(): Promise<void> {
  await vi.waitFor(() => {
    const { slices, tasks, threads } = mill.stats();
    expect([slices.live, tasks.inFlight]).toEqual([0, 0]);
    expect(threads.map(({ remotes }) => remotes)).toEqual([0, 0]);
  }, PATIENCE);
}
afterEach(expectIdle);

function newFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A server, its folder, and where it listens. */
async function serve(folder = newFolder()): Promise<{ folder: string; url: string }> {
  const server = uploadServer(mill, folder).listen(0);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { folder, url: `http://localhost:${(server.address() as AddressInfo).port}` };
}

async function put(url: string, body: Buffer): Promise<{ status: number; answer: unknown }> {
  const response = await fetch(url, { method: 'PUT', body: new Uint8Array(body) });
  return { status: response.status, answer: await response.json() };
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Checks an answer against the body and the file. */
function expectUploaded(folder: string, name: string, body: Buffer, answer: unknown): void {
  const file = readFileSync(join(folder, `${name}.gz`));
  expect(gunzipSync(file).equals(body)).toBe(true);
  expect(answer).toEqual({
    sha256: sha256(body),
    bytes: body.length,
    gzippedBytes: file.length,
  });
}

describe('the upload server', () => {
  test.each([0, 1, 100_000, 5 * MiB + 1])('hashes and gzips a body of %d bytes', async (bytes) => {
    const { folder, url } = await serve();
    const body = Buffer.concat([
      randomBytes(bytes >> 1),
      Buffer.alloc(bytes - (bytes >> 1), 'abc'),
    ]);
    const { status, answer } = await put(`${url}/body`, body);
    expect(status).toBe(201);
    expectUploaded(folder, 'body', body, answer);
    expect(readdirSync(folder)).toEqual(['body.gz']);
  });

  test('takes many bodies at a time', async () => {
    const { folder, url } = await serve();
    const bodies = Array.from({ length: 12 }, (_, i) => randomBytes(100_000 * i));
    const answers = await Promise.all(bodies.map((body, i) => put(`${url}/body-${i}`, body)));
    answers.forEach(({ answer }, i) => expectUploaded(folder, `body-${i}`, bodies[i]!, answer));
  });

  test('keeps no file, no slice and no hash of a client that leaves midway', async () => {
    const { folder, url } = await serve();
    const sending = request(`${url}/body`, {
      method: 'PUT',
      headers: { 'content-length': 50 * MiB },
    });
    sending.on('error', () => {});
    const { submitted } = mill.stats().tasks;
    for (let i = 0; i < 8; i++) sending.write(randomBytes(MiB));
    await vi.waitFor(() => {
      expect(mill.stats().tasks.submitted).toBeGreaterThan(submitted);
      expect(readdirSync(folder)).toHaveLength(1);
    }, PATIENCE);
    sending.destroy();
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([]), PATIENCE);
    await vi.waitFor(expectIdle, PATIENCE);
  });

  test('answers for what it cannot do', async () => {
    const { url } = await serve(join(newFolder(), 'missing'));
    const { status, answer } = await put(`${url}/body`, Buffer.from('abc'));
    expect(status).toBe(500);
    expect(answer).toEqual({ error: expect.stringContaining('ENOENT') as string });
    expect((await put(`${url}/../body`, Buffer.from('abc'))).status).toBe(500);
    expect((await put(`${url}/.body`, Buffer.from('abc'))).status).toBe(400);
    expect((await fetch(`${url}/body`)).status).toBe(400);
  });

  test('takes more than its memory holds, and its event loop stays free', async () => {
    const { folder, url } = await serve();
    const client = fileURLToPath(new URL('./upload-client.mjs', import.meta.url));
    const [[line], turns] = await turnsDuring(() =>
      linesOf(
        spawn(process.execPath, [client, `${url}/body`, '200'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        }),
      ),
    );
    const { sha256: sent, answer } = JSON.parse(line!) as { sha256: string; answer: object };
    expect(answer).toMatchObject({ sha256: sent, bytes: 200 * MiB });
    expect(gunzipSync(readFileSync(join(folder, 'body.gz'))).length).toBe(200 * MiB);
    // To gzip and hash all that on this thread would keep it busy for more than four seconds.
    expect(turns.reduce((sum, turn) => sum + turn)).toBeLessThan(3000);
    // The 99th percentile: what the server's other clients would feel.
    expect(turns[Math.floor(turns.length / 100)]).toBeLessThan(20);
  });
});

test('a body is read no further than its hash lets it', async () => {
  const gate = new Int32Array(new SharedArrayBuffer(8));
  let read = 0;
  const chunks = Array.from({ length: 500 }, () => randomBytes(64 * 1024));
  const blocked: Promise<void>[] = [];
  async function* body(): AsyncGenerator<Buffer> {
    for (const chunk of chunks) {
      if (++read === 6) {
        // One thread after the other: from here on none hashes or gzips.
        for (const threads of [1, 2]) {
          blocked.push(mill.call(gates.wait, [gate]));
          await vi.waitFor(() => expect(Atomics.load(gate, 1)).toBe(threads), PATIENCE);
        }
      }
      yield chunk;
    }
  }
  const received = receive(mill, body(), join(newFolder(), 'body.gz'));
  // Sixteen chunks behind the first that was not hashed, which is one of those six or the next.
  await vi.waitFor(() => expect(read).toBeGreaterThan(16), PATIENCE);
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(read).toBeLessThanOrEqual(6 + 16 + 1);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await Promise.all(blocked);
  expect((await received).sha256).toBe(sha256(Buffer.concat(chunks)));
});

test('the program runs as it says', async () => {
  const program = fileURLToPath(new URL('../dist/upload-server.js', import.meta.url));
  const folder = newFolder();
  const child = spawn(process.execPath, [program, join(folder, 'uploads'), '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const port = /^Listening on port (\d+)$/m.exec(said.toString())?.[1];
  const body = randomBytes(MiB);
  const { answer } = await put(`http://localhost:${port}/body`, body);
  expectUploaded(join(folder, 'uploads'), 'body', body, answer);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
