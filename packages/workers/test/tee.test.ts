import { EventEmitter } from 'node:events';
import fs, { createWriteStream, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { createMill, type FlowTarget } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MiB, noise, text } from './content.ts';
import { codeOf, failureOf, systemCodeOf } from './failure.ts';
import { Gate } from './gate.ts';
import { copy, failAt } from './ops.mjs';
import { descriptorOf, device, fileOf, folder, namesIn, newPath } from './temporary.ts';
import { standstill, until } from './until.ts';

const CHUNK = 64 * 1024;
const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => {
  expect(mill.stats()).toMatchObject({ slices: { live: 0 }, tasks: { inFlight: 0 } });
});

const input = noise(2 * MiB + 3);

/** A sink that takes `count` pieces and then does `what`. */
function sinkUntil(count: number, what: (sink: Writable) => Error | undefined): Writable {
  return new Writable({
    write(_piece, _encoding, callback) {
      callback(count-- > 0 ? null : what(this));
    },
  });
}

test('several targets of any kind get the same', async () => {
  const path = newPath();
  const other = newPath();
  const number = descriptorOf(other, 'w');
  const stream = new PassThrough();
  const web = new TransformStream<Uint8Array, Uint8Array>();
  const streamed = buffer(stream);
  const webbed = new Response(web.readable).arrayBuffer();
  const report = await mill.pump({
    from: fileOf(input),
    op: gzip,
    params: { level: 1 },
    to: [path, number, stream, web.writable, { path: join(dirname(path), 'private'), mode: 0o600 }],
  });
  const output = readFileSync(path);
  expect(report.bytesOut).toBe(output.length);
  expect(gunzipSync(output).equals(input)).toBe(true);
  expect(readFileSync(other).equals(output)).toBe(true);
  expect((await streamed).equals(output)).toBe(true);
  expect(Buffer.from(await webbed).equals(output)).toBe(true);
  expect(readFileSync(join(dirname(path), 'private')).equals(output)).toBe(true);
  expect(statSync(join(dirname(path), 'private')).mode & 0o777).toBe(0o600);
});

test('a list of one is the same as one; an empty one is refused', async () => {
  const to = newPath();
  await mill.pump({ from: input, op: copy, to: [to] });
  expect(readFileSync(to).equals(input)).toBe(true);
  expect(await codeOf(mill.pump({ from: input, op: copy, to: [] }))).toBe('ERR_INVALID_ARG');
});

test('the slowest sets the pace, and memory stays bounded', async () => {
  const whole = noise(12 * MiB);
  let taken = 0;
  const from = (function* () {
    for (; taken < whole.length; taken += CHUNK) yield whole.subarray(taken, taken + CHUNK);
  })();
  let goOn: (() => void) | undefined;
  let hurry = false;
  let written = 0;
  const slow = new Writable({
    write(piece: Buffer, _encoding, callback) {
      written += piece.length;
      if (hurry) callback();
      else goOn = callback;
    },
  });
  const to = newPath();
  const pumping = mill.pump({ from, op: copy, to: [to, slow] });
  for (let round = 0; round < 5; round++) {
    await until(() => goOn !== undefined);
    await standstill(() => taken);
    expect(taken - written).toBeLessThanOrEqual(18 * CHUNK);
    expect(mill.stats().slices.live).toBeLessThanOrEqual(2 * 17);
    hurry = round === 4;
    const next = goOn!;
    goOn = undefined;
    next();
  }
  await pumping;
  expect(readFileSync(to).equals(whole)).toBe(true);
});

describe('when one fails, the flow fails and nothing partial is left', () => {
  test('a stream that breaks midway', async () => {
    const to = newPath();
    const beside = new PassThrough().resume();
    const failing = sinkUntil(5, () => new Error('no flour bags'));
    const error = await failureOf(
      mill.pump({ from: input, op: copy, to: [to, failing, beside, newPath()] }),
    );
    expect(error).toMatchObject({ code: 'ERR_WRITE', cause: { message: 'no flour bags' } });
    expect(namesIn(dirname(to))).toEqual([]);
    expect(beside.destroyed && failing.destroyed).toBe(true);
  });

  test('while another never takes anything', async () => {
    const to = newPath();
    const stuck = new Writable({ write() {} });
    const failing = sinkUntil(0, () => new Error('no flour bags'));
    const error = await failureOf(mill.pump({ from: input, op: copy, to: [to, stuck, failing] }));
    expect(error.cause).toMatchObject({ message: 'no flour bags' });
    expect(stuck.destroyed).toBe(true);
    expect(namesIn(dirname(to))).toEqual([]);
  });

  test('while another still reads its part: the slices wait for that', async () => {
    // A file's stream reads the slices themselves.
    let held: { bytes: Uint8Array; done: () => void } | undefined;
    const write = (_file: number, bytes: Uint8Array, ...rest: unknown[]): void => {
      const callback = rest.at(-1) as (error: null, written: number) => void;
      held = { bytes, done: () => callback(null, bytes.length) };
    };
    const { open, close } = fs;
    const reading = createWriteStream(newPath(), {
      fs: { open, close, write: write as typeof fs.write },
    });
    let fail: ((error: Error) => void) | undefined;
    const failing = new Writable({
      write: (_piece, _encoding, callback) => void (fail = callback),
    });
    let over = false;
    const pumping = failureOf(mill.pump({ from: input, op: copy, to: [reading, failing] })).finally(
      () => (over = true),
    );
    await until(() => held !== undefined && fail !== undefined);
    fail!(new Error('no flour bags'));
    await until(() => failing.destroyed);
    for (let i = 0; i < 3; i++) await mill.run(copy, Buffer.alloc(4 * MiB));
    expect(over).toBe(false);
    expect(Buffer.compare(held!.bytes, input.subarray(0, CHUNK))).toBe(0);
    held!.done();
    expect((await pumping).cause).toMatchObject({ message: 'no flour bags' });
  });

  test('a device that is full', async () => {
    const to = newPath();
    expect(await systemCodeOf(mill.pump({ from: input, op: copy, to: [to, device('full')] }))).toBe(
      'ENOSPC',
    );
    expect(namesIn(dirname(to))).toEqual([]);
  });

  test('one that cannot be opened: the others are discarded, before and behind it', async () => {
    const to = newPath();
    const [before, behind] = [new PassThrough(), new PassThrough()];
    const absent = join(folder(), 'absent', 'output');
    const targets: FlowTarget[] = [to, before, absent, behind, newPath()];
    expect(await systemCodeOf(mill.pump({ from: input, op: copy, to: targets }))).toBe('ENOENT');
    expect(before.destroyed && behind.destroyed).toBe(true);
    expect(namesIn(dirname(to))).toEqual([]);
  });

  test('the source cannot be opened: all streams are destroyed', async () => {
    const streams = [new PassThrough(), new PassThrough()];
    await systemCodeOf(mill.pump({ from: join(folder(), 'absent'), op: copy, to: streams }));
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test('an op that fails', async () => {
    const [a, b] = [newPath(), newPath()];
    const code = await codeOf(
      mill.pump({ from: Buffer.alloc(MiB, 7), op: failAt, params: { byte: 7 }, to: [a, b] }),
    );
    expect(code).toBe('ERR_OP_FAILED');
    expect([...namesIn(dirname(a)), ...namesIn(dirname(b))]).toEqual([]);
  });

  test('one that cannot take its place: the other does not keep its own', async () => {
    for (const order of [0, 1]) {
      const other = newPath();
      const taken = newPath();
      const gate = new Gate();
      const targets: FlowTarget[] = [other, { path: taken, overwrite: false }];
      if (order === 1) targets.reverse();
      const pumping = codeOf(
        mill.pump({ from: input, op: copy, params: { gate: gate.words }, to: targets }),
      );
      await gate.reached(1);
      writeFileSync(taken, 'faster');
      gate.open();
      expect(await pumping).toBe('ERR_TARGET_EXISTS');
      expect(readFileSync(taken, 'utf8')).toBe('faster');
      expect(namesIn(dirname(other))).toEqual([]);
      expect(namesIn(dirname(taken))).toEqual(['output']);
    }
  });

  test('a stream that breaks at its very end: a file that was there is still what it was', async () => {
    const to = fileOf('old');
    const failing = new Writable({
      write: (_piece, _encoding, callback) => callback(),
      final: (callback) => callback(new Error('cannot close')),
    });
    expect(await codeOf(mill.pump({ from: input, op: copy, to: [to, failing] }))).toBe('ERR_WRITE');
    expect(readFileSync(to, 'utf8')).toBe('old');
    expect(namesIn(dirname(to))).toEqual(['input']);
  });

  test('one whose folder is gone at the end: a file that was made is removed again', async () => {
    const other = newPath();
    const gone = newPath();
    const gate = new Gate();
    const pumping = systemCodeOf(
      mill.pump({ from: input, op: copy, params: { gate: gate.words }, to: [other, gone] }),
    );
    await gate.reached(1);
    rmSync(dirname(gone), { recursive: true });
    gate.open();
    expect(await pumping).toBe('ENOENT');
    expect(namesIn(dirname(other))).toEqual([]);
  });

  test('it is aborted', async () => {
    const to = newPath();
    const stuck = new Writable({ write() {} });
    const controller = new AbortController();
    const { signal } = controller;
    const pumping = codeOf(mill.pump({ from: input, op: copy, to: [to, stuck], signal }));
    await until(() => mill.stats().slices.live > 4);
    controller.abort();
    expect(await pumping).toBe('ERR_ABORTED');
    expect(stuck.destroyed).toBe(true);
    expect(namesIn(dirname(to))).toEqual([]);
  });
});

test('slices are recycled only when the last target is done with them', async () => {
  const bytes = text(20 * CHUNK);
  const socket = new SlowReader();
  const to = newPath();
  const other = mill.pump({ from: bytes, op: copy, to: [to, socket.stream] });
  // Other flows lease and write slices all the while.
  for (let i = 0; i < 10; i++) await mill.run(copy, Buffer.alloc(20 * CHUNK));
  socket.emit('go');
  await other;
  expect(Buffer.concat(socket.pieces).equals(bytes)).toBe(true);
  expect(readFileSync(to).equals(bytes)).toBe(true);
});

/** Looks at what it was given only after `go`. */
class SlowReader extends EventEmitter {
  readonly pieces: Buffer[] = [];
  #going = false;
  readonly stream = new Writable({
    write: (piece: Buffer, _encoding, callback) => {
      const take = (): void => {
        this.#going = true;
        this.pieces.push(Buffer.from(piece));
        callback();
      };
      if (this.#going) take();
      else this.once('go', take);
    },
  });
}
