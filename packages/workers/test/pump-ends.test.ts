import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  createWriteStream,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { createMill, type FlowSource } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { BLOCK, noise, text } from './content.ts';
import { codeOf } from './failure.ts';
import { copy } from './ops.mjs';
import { descriptorOf, fileOf, namedPipe, newPath } from './temporary.ts';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => expect(mill.stats().slices.live).toBe(0));

const input = Buffer.concat([text(3 * BLOCK), noise(BLOCK + 123)]);

/** Whether this is the input, packed. */
function expectPacked(output: Uint8Array): void {
  expect(gunzipSync(output).equals(input)).toBe(true);
}

describe('from', () => {
  async function pumped(from: FlowSource): Promise<Buffer> {
    const to = newPath();
    await mill.pump({ from, op: copy, to });
    return readFileSync(to);
  }

  test('a path or a file URL', async () => {
    const path = fileOf(input);
    expect((await pumped(path)).equals(input)).toBe(true);
    expect((await pumped(pathToFileURL(path))).equals(input)).toBe(true);
  });

  test('a descriptor, from where it stands; it stays open', async () => {
    const descriptor = descriptorOf(fileOf(input), 'r');
    readSync(descriptor, new Uint8Array(1000));
    expect((await pumped(descriptor)).equals(input.subarray(1000))).toBe(true);
    expect(fstatSync(descriptor).size).toBe(input.length);
    // It stands at the end now.
    expect((await pumped(descriptor)).length).toBe(0);
  });

  test('a descriptor of a pipe', async () => {
    const pipe = namedPipe();
    spawn('sh', ['-c', 'cat "$0" > "$1"', fileOf(input), pipe]);
    const descriptor = descriptorOf(pipe, 'r');
    expect((await pumped(descriptor)).equals(input)).toBe(true);
    expect(fstatSync(descriptor).isFIFO()).toBe(true);
  });

  test('the output of a child, though the child has exited before the first read', async () => {
    for (let i = 0; i < 20; i++) {
      expect((await pumped(spawn('printf', ['flour']).stdout)).toString()).toBe('flour');
    }
  });

  test('a web stream, and a Node stream of strings', async () => {
    const web = new ReadableStream({
      start(controller) {
        controller.enqueue(input.subarray(0, 100_000));
        controller.enqueue(new Uint8Array(0));
        controller.enqueue(input.subarray(100_000));
        controller.close();
      },
    });
    expect((await pumped(web)).equals(input)).toBe(true);
    expect(web.locked).toBe(false);
    expect((await pumped(Readable.from(['Mühle', ' und ', 'Bach']))).toString()).toBe(
      'Mühle und Bach',
    );
  });

  test('iterables of bytes, strings, views and buffers', async () => {
    const pieces = [
      'corn ',
      Buffer.from('and '),
      new DataView(new TextEncoder().encode('oats ').buffer),
      new TextEncoder().encode('or').buffer,
      new Uint8Array(new SharedArrayBuffer(2)).fill(33),
      '',
    ];
    expect((await pumped(pieces)).toString()).toBe('corn and oats or!!');
    const later = async function* () {
      for (const piece of pieces) yield await Promise.resolve(piece);
    };
    expect((await pumped(later())).toString()).toBe('corn and oats or!!');
  });

  test('bytes, or none', async () => {
    expect((await pumped(input)).equals(input)).toBe(true);
    expect((await pumped(new Uint8Array(0))).length).toBe(0);
    expect((await pumped([])).length).toBe(0);
  });

  test('files that say they are smaller than they are, or larger', async () => {
    for (const path of [
      '/proc/version',
      '/proc/self/maps',
      '/sys/kernel/mm/transparent_hugepage/enabled',
    ]) {
      expect((await pumped(path)).length, `of ${path}`).toBeGreaterThan(20);
    }
    expect((await pumped('/proc/version')).equals(readFileSync('/proc/version'))).toBe(true);
  });

  test('nothing else', async () => {
    const wrongs: unknown[] = [undefined, null, true, {}, new ArrayBuffer(8), Symbol('s')];
    for (const wrong of wrongs) {
      expect(await codeOf(pumped(wrong as FlowSource))).toBe('ERR_INVALID_ARG');
    }
    expect(await codeOf(pumped([1, 2, 3]))).toBe('ERR_INVALID_ARG');
    expect(await codeOf(pumped(new URL('http://localhost/corn')))).toBe('ERR_READ');
  });
});

describe('to', () => {
  test('a path or a file URL', async () => {
    const path = newPath();
    await mill.pump({ from: input, op: gzip, to: path });
    expectPacked(readFileSync(path));
    const url = newPath();
    await mill.pump({ from: input, op: gzip, to: pathToFileURL(url) });
    expectPacked(readFileSync(url));
    const object = newPath();
    await mill.pump({ from: input, op: gzip, to: { path: pathToFileURL(object) } });
    expectPacked(readFileSync(object));
  });

  test('a descriptor, from where it stands; it stays open', async () => {
    const path = newPath();
    const descriptor = descriptorOf(path, 'w+');
    writeSync(descriptor, 'mark');
    await mill.pump({ from: input, op: gzip, to: descriptor });
    await mill.pump({ from: input, op: gzip, to: descriptor });
    writeSync(descriptor, 'end');
    const output = readFileSync(path);
    expect(output.subarray(0, 4).toString()).toBe('mark');
    expect(output.subarray(-3).toString()).toBe('end');
    expect(gunzipSync(output.subarray(4, -3)).equals(Buffer.concat([input, input]))).toBe(true);
  });

  test('a descriptor of a pipe, which stays open and as it was', async () => {
    const pipe = namedPipe();
    const path = newPath();
    const reader = spawn('sh', ['-c', 'cat "$0" > "$1"', pipe, path]);
    const end = once(reader, 'close');
    const descriptor = openSync(pipe, 'w');
    const flags = flagsOf(descriptor);
    await mill.pump({ from: input, op: gzip, to: descriptor });
    await mill.pump({ from: input, op: gzip, to: descriptor });
    expect(fstatSync(descriptor).isFIFO()).toBe(true);
    expect(flagsOf(descriptor)).toBe(flags);
    // The last one to hold the pipe open for writing.
    closeSync(descriptor);
    await end;
    expect(gunzipSync(readFileSync(path)).equals(Buffer.concat([input, input]))).toBe(true);
  });

  test('a Node stream, which is ended', async () => {
    const path = newPath();
    const stream = createWriteStream(path);
    await mill.pump({ from: input, op: gzip, to: stream });
    expect(stream.writableFinished).toBe(true);
    expectPacked(readFileSync(path));
  });

  test('the input of a child', async () => {
    const child = spawn('gzip', ['-dc']);
    const output = buffer(child.stdout);
    await mill.pump({ from: input, op: gzip, to: child.stdin });
    expect((await output).equals(input)).toBe(true);
  });

  async function fetchedFrom(listener: RequestListener): Promise<Uint8Array> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return new Uint8Array(await (await fetch(`http://127.0.0.1:${port}`)).arrayBuffer());
  }

  test('an HTTP response', async () => {
    const got = await fetchedFrom((_request, response) => {
      void mill.pump({ from: input, op: gzip, to: response });
    });
    expectPacked(got);
  });

  test('an HTTP response, which breaks off when the source cannot be opened', async () => {
    let code: Promise<string> | undefined;
    const getting = fetchedFrom((_request, response) => {
      code = codeOf(mill.pump({ from: newPath(), op: gzip, to: response }));
    });
    await expect(getting).rejects.toThrow('fetch failed');
    expect(await code).toBe('ERR_READ');
  });

  test('a stream that passes pieces on long after it has taken them', async () => {
    const stream = new PassThrough({ highWaterMark: 2 ** 24 });
    await mill.pump({ from: input, op: gzip, to: stream });
    // Others have used the slots meanwhile.
    await mill.run(gzip, noise(20 * BLOCK));
    expectPacked(await buffer(stream));
  });

  test('a web stream, which is closed and keeps what it was given', async () => {
    const pieces: Uint8Array[] = [];
    let closed = false;
    const web = new WritableStream<Uint8Array>({
      write: (piece) => void pieces.push(piece),
      close: () => void (closed = true),
    });
    await mill.pump({ from: input, op: gzip, to: web });
    await mill.run(gzip, noise(20 * BLOCK));
    expect(closed).toBe(true);
    expect(web.locked).toBe(false);
    expect(pieces.every((piece) => piece.buffer instanceof ArrayBuffer)).toBe(true);
    expectPacked(Buffer.concat(pieces));
  });

  test('a slow stream is not run over', async () => {
    let most = 0;
    let taking = 0;
    const pieces: Buffer[] = [];
    const slow = new Writable({
      highWaterMark: 1,
      write(piece: Buffer, _encoding, callback) {
        most = Math.max(most, ++taking);
        pieces.push(piece);
        setImmediate(() => {
          taking--;
          callback();
        });
      },
    });
    await mill.pump({ from: input, op: gzip, to: slow });
    expect(most).toBe(1);
    expectPacked(Buffer.concat(pieces));
  });

  test('nothing else', async () => {
    const wrongs: unknown[] = [undefined, null, true, {}, [], new ArrayBuffer(8), Symbol('s')];
    for (const wrong of wrongs) {
      expect(await codeOf(mill.pump({ from: input, op: gzip, to: wrong as string }))).toBe(
        'ERR_INVALID_ARG',
      );
    }
  });
});

/** The status flags of an open file, such as O_NONBLOCK. */
function flagsOf(descriptor: number): string {
  return /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))![1]!;
}
