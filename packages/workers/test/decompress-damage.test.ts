import { getEventListeners } from 'node:events';
import { dirname } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { FlowProgress, FlowSource, MillraceError } from '@millrace/workers';
import { decompress } from '@millrace/workers/internal';
import { describe, expect, test } from 'vitest';
import { MiB, noise, text, zeros } from './content.ts';
import { codeOf, failureOf, systemCodeOf } from './failure.ts';
import { device, fileOf, namesIn, newPath } from './temporary.ts';
import { until } from './until.ts';

/** Decompresses to a file, and expects an error and that nothing is left. */
async function failure(from: FlowSource): Promise<MillraceError> {
  const to = newPath();
  const error = await failureOf(decompress({ from, to }));
  expect(namesIn(dirname(to))).toEqual([]);
  return error;
}

describe('damage', () => {
  const packed = gzipSync(text(300));

  test('a file that is cut short anywhere is refused', async () => {
    for (let length = 0; length < packed.length; length++) {
      const { code, message } = await failure(packed.subarray(0, length));
      expect(code, `${length} bytes`).toBe('ERR_INPUT_FORMAT');
      if (length !== 1) expect(message, `${length} bytes`).toContain('too early');
    }
  });

  test('a second member that is cut short anywhere is refused', async () => {
    for (let length = 2; length < packed.length; length++) {
      const { code } = await failure(Buffer.concat([packed, packed.subarray(0, length)]));
      expect(code, `${length} bytes`).toBe('ERR_INPUT_FORMAT');
    }
  });

  test('a wrong byte anywhere but in what nobody checks is found', async () => {
    // Time, extra flags and system in the header are not checked by anyone.
    const unchecked = new Set([4, 5, 6, 7, 8, 9]);
    for (let at = 0; at < packed.length; at++) {
      if (unchecked.has(at)) continue;
      for (const change of [0xff, 0x02]) {
        const damaged = Buffer.from(packed);
        damaged[at]! ^= change;
        // The flag that says "this is text" means nothing either.
        if (at === 3 && damaged[at] === 1) continue;
        const error = await failure(damaged);
        expect(error.code, `byte ${at} ^ ${change}`).toBe('ERR_INPUT_FORMAT');
      }
    }
  });

  test('a wrong checksum or length is told apart from damaged data', async () => {
    const wrongSum = Buffer.from(packed);
    wrongSum[packed.length - 8]! ^= 1;
    const wrongLength = Buffer.from(packed);
    wrongLength[packed.length - 1]! ^= 1;
    for (const damaged of [wrongSum, wrongLength]) {
      expect((await failure(damaged)).message).toContain('checksum or length');
    }
    const wrongData = Buffer.from(packed);
    wrongData[10]! ^= 6;
    const { message, cause } = await failure(wrongData);
    expect(message).toContain('damaged');
    expect(cause).toMatchObject({ code: 'Z_DATA_ERROR' });
  });

  test('damage far into a large file is found', async () => {
    const large = gzipSync(noise(3 * MiB));
    large[2 * MiB]! ^= 1;
    expect((await failure(fileOf(large))).code).toBe('ERR_INPUT_FORMAT');
  });

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['one byte', Buffer.from([0x1f])],
    ['text', Buffer.from('just text')],
    ['noise', noise(100_000)],
    ['zeros in front of a member', Buffer.concat([zeros(10), packed])],
    ['a zip file', Buffer.from('PK\u0003\u0004')],
  ])('%s is not gzip data', async (_what, input) => {
    expect((await failure(input)).code).toBe('ERR_INPUT_FORMAT');
  });
});

test('what swells a thousandfold is decompressed in little memory', async () => {
  const size = 400 * MiB;
  const packed = Buffer.concat(Array<Buffer>(8).fill(gzipSync(zeros(size / 8), { level: 1 })));
  let written = 0;
  let most = 0;
  const before = process.memoryUsage.rss();
  const sink = new Writable({
    write(piece: Buffer, _encoding, callback) {
      written += piece.length;
      most = Math.max(most, process.memoryUsage.rss());
      setImmediate(callback);
    },
  });
  const { bytesOut } = await decompress({ from: packed, to: sink });
  expect({ bytesOut, written }).toEqual({ bytesOut: size, written: size });
  expect(most - before).toBeLessThan(100 * MiB);
});

test('progress only grows, and is complete at the end', async () => {
  const packed = gzipSync(noise(2 * MiB));
  const told: FlowProgress[] = [];
  await decompress({ from: packed, to: newPath(), onProgress: (progress) => told.push(progress) });
  const positions = told.map(({ bytesIn }) => bytesIn);
  expect(positions.length).toBeGreaterThan(10);
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  // All but the trailer.
  expect(told.at(-1)).toMatchObject({ bytesIn: packed.length - 8, totalBytes: packed.length });
});

test('progress that throws fails it with what it threw', async () => {
  const onProgress = (): void => {
    throw new RangeError('cannot draw the bar');
  };
  const to = newPath();
  await expect(decompress({ from: gzipSync('x'), to, onProgress })).rejects.toThrow('cannot draw');
  expect(namesIn(dirname(to))).toEqual([]);
});

describe('an error of the system or of a stream', () => {
  const packed = gzipSync(noise(MiB));

  test('comes as the cause', async () => {
    expect(await systemCodeOf(decompress({ from: '/absent/input', to: newPath() }))).toBe('ENOENT');
    expect(await systemCodeOf(decompress({ from: packed, to: device('full') }))).toBe('ENOSPC');
  });

  test('of the sink destroys the source', async () => {
    const source = Readable.from([packed.subarray(0, 500_000), packed.subarray(500_000)]);
    const sink = new Writable({
      write: (_piece, _encoding, callback) => callback(new Error('full')),
    });
    const error = await failureOf(decompress({ from: source, to: sink }));
    expect(error).toMatchObject({ code: 'ERR_WRITE', cause: { message: 'full' } });
    expect(source.destroyed).toBe(true);
  });

  test('of the source destroys the sink', async () => {
    const broken = async function* () {
      yield packed.subarray(0, 100_000);
      await new Promise(setImmediate);
      throw new Error('the sluice broke');
    };
    const sink = new PassThrough().resume();
    const error = await failureOf(decompress({ from: broken(), to: sink }));
    expect(error).toMatchObject({ code: 'ERR_READ', cause: { message: 'the sluice broke' } });
    expect(sink.destroyed).toBe(true);
  });
});

describe('an aborted signal ends it', () => {
  const packed = gzipSync(noise(4 * MiB));
  const why = new Error('the miller went home');

  test('before it begins', async () => {
    const to = newPath();
    const signal = AbortSignal.abort(why);
    const error = await failureOf(decompress({ from: packed, to, signal }));
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: why });
    expect(namesIn(dirname(to))).toEqual([]);
  });

  test('midway', async () => {
    const to = newPath();
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = ({ bytesIn }: FlowProgress): void => {
      if (bytesIn > MiB) controller.abort(why);
    };
    const error = await failureOf(decompress({ from: fileOf(packed), to, signal, onProgress }));
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: why });
    expect(namesIn(dirname(to))).toEqual([]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('while the source gives nothing', async () => {
    for (const given of [0, 5, 100_000]) {
      const source = new PassThrough();
      source.write(packed.subarray(0, given));
      const controller = new AbortController();
      const running = failureOf(
        decompress({ from: source, to: newPath(), signal: controller.signal }),
      );
      await until(() => source.readableLength === 0);
      controller.abort(why);
      expect(await running).toMatchObject({ code: 'ERR_ABORTED', cause: why });
      expect(source.destroyed).toBe(true);
    }
  });

  test('while the sink takes nothing', async () => {
    let begun = false;
    const sink = new Writable({ write: () => void (begun = true) });
    const controller = new AbortController();
    const running = codeOf(decompress({ from: packed, to: sink, signal: controller.signal }));
    await until(() => begun);
    controller.abort(why);
    expect(await running).toBe('ERR_ABORTED');
    expect(sink.destroyed).toBe(true);
  });

  test('in the middle of what one read has brought', async () => {
    // All of it fits into the first read.
    const swelling = gzipSync(zeros(40 * MiB));
    let written = 0;
    const controller = new AbortController();
    const sink = new WritableStream<Uint8Array>({
      write(piece) {
        written += piece.length;
        if (written > MiB) controller.abort(why);
      },
    });
    expect(await codeOf(decompress({ from: swelling, to: sink, signal: controller.signal }))).toBe(
      'ERR_ABORTED',
    );
    expect(written).toBeLessThan(3 * MiB);
    const to = newPath();
    const other = new AbortController();
    const running = codeOf(decompress({ from: swelling, to, signal: other.signal }));
    await until(() => namesIn(dirname(to)).length > 0);
    other.abort(why);
    expect(await running).toBe('ERR_ABORTED');
    expect(namesIn(dirname(to))).toEqual([]);
  });
});
