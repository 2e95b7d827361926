import { ByteRing, FrameReader, FrameWriter } from '@millrace/core';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { fillFrom } from './rings-pattern.ts';
import { codeOf } from './thrown.ts';

const RUNS = 1000;
const position = fc.oneof(
  fc.constant(0),
  fc.integer({ min: -40, max: 40 }).map((near) => 2 ** 31 + near),
  fc.integer({ min: -40, max: 40 }).map((near) => 2 ** 32 + near),
);

function ringOf(capacity: number, start: number): ByteRing {
  const ring = ByteRing.create(capacity);
  ring.reset(start);
  return ring;
}

/** Takes everything out. */
function drain(ring: ByteRing): number[] {
  const target = new Uint8Array(ring.capacity);
  return [...target.subarray(0, ring.reader().read(target))];
}

describe('A byte ring', () => {
  test('is a queue of bytes with a bound, wherever its positions begin', () => {
    const step = fc.record({
      action: fc.constantFrom('write', 'put', 'publish', 'read', 'take', 'free', 'space', 'data'),
      count: fc.nat(40),
      offset: fc.nat(5),
    });
    fc.assert(
      fc.property(
        // The largest is one in which room is fetched ahead.
        fc.constantFrom(8, 16, 32, 1024),
        position,
        fc.array(step, { maxLength: 60 }),
        (capacity, start, steps) => {
          const ring = ringOf(capacity, start);
          const writer = ring.writer();
          const reader = ring.reader();
          let put: number[] = [];
          let published: number[] = [];
          let taken = 0;
          let next = 0;
          const take = (count: number): number[] => {
            taken += count;
            return published.splice(0, count);
          };
          // Longer than what is moved: what lies around that must stay as it is.
          const buffer = new Uint8Array(64);
          for (const { action, count, offset } of steps) {
            const room = capacity - put.length - published.length - taken;
            switch (action) {
              case 'write':
              case 'put': {
                fillFrom(next, buffer);
                const moved = writer[action](buffer, offset, offset + count);
                expect(moved).toBe(Math.min(count, room));
                put.push(...buffer.subarray(offset, offset + moved));
                next += 64;
                if (action === 'put') break;
                published = published.concat(put);
                put = [];
                break;
              }
              case 'publish':
                writer.publish();
                published = published.concat(put);
                put = [];
                break;
              case 'read':
              case 'take': {
                buffer.fill(0xee);
                const there = Math.min(count, published.length);
                expect(reader[action](buffer, offset, offset + count)).toBe(there);
                expect([...buffer.subarray(offset, offset + there)]).toEqual(take(there));
                expect(buffer.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
                expect(buffer.subarray(offset + there).every((byte) => byte === 0xee)).toBe(true);
                if (action === 'read') taken = 0;
                break;
              }
              case 'free':
                reader.free();
                taken = 0;
                break;
              case 'space': {
                const space = writer.space();
                expect(space.length > 0).toBe(room > 0);
                const filled = Math.min(space.length, count);
                fillFrom(next, space.subarray(0, filled));
                put.push(...space.subarray(0, filled));
                next += 64;
                writer.commit(filled);
                published = published.concat(put);
                put = [];
                break;
              }
              case 'data': {
                const data = reader.data();
                expect(data.length > 0).toBe(published.length > 0);
                const used = [...data.subarray(0, count)];
                expect(used).toEqual(take(used.length));
                reader.consume(used.length);
                taken = 0;
                break;
              }
            }
            expect(ring.stats().used).toBe(published.length + taken);
            expect(reader.available).toBe(published.length);
            expect(writer.room).toBe(capacity - put.length - published.length - taken);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('takes views of any alignment, the same ones again and again, and others between', () => {
    const move = fc.record({
      view: fc.constantFrom(0, 0, 0, 1),
      from: fc.constantFrom(0, 0, 8, 4, 1),
      count: fc.oneof(
        fc.nat(80),
        fc.nat(10).map((eights) => 8 * eights),
        fc.nat(20).map((fours) => 4 * fours),
      ),
      whole: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 5, 6, 7),
        fc.constantFrom(2 ** 32 - 504, 2 ** 32 - 500, 2 ** 32 - 499),
        fc.array(move, { minLength: 1, maxLength: 20 }),
        (alignment, start, moves) => {
          const ring = ringOf(1024, start);
          const [writer, reader] = [ring.writer(), ring.reader()];
          const views = (): Uint8Array[] =>
            [alignment, 0].map((at) => new Uint8Array(new ArrayBuffer(128), at, 96));
          const [sources, targets] = [views(), views()];
          for (const [index, { view, from, count, whole }] of moves.entries()) {
            const [source, target] = [sources[view]!, targets[view]!];
            fillFrom(index * 100, source);
            if (whole) {
              expect(writer.write(source)).toBe(96);
              expect(reader.read(target)).toBe(96);
              expect(Buffer.compare(target, source)).toBe(0);
            } else {
              expect(writer.write(source, from, from + count)).toBe(count);
              expect(reader.read(target, from, from + count)).toBe(count);
              expect(target.subarray(from, from + count).join()).toBe(
                source.subarray(from, from + count).join(),
              );
            }
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('shows nothing of a batch before it is published', () => {
    const ring = ByteRing.create(64);
    const [writer, reader] = [ring.writer(), ring.reader()];
    expect(writer.put(fillFrom(0, new Uint8Array(20)))).toBe(20);
    expect(reader.available).toBe(0);
    writer.publish();
    expect(reader.available).toBe(20);
    reader.take(new Uint8Array(20));
    expect(writer.room).toBe(44);
    reader.free();
    expect(writer.room).toBe(64);
  });

  test('goes on after a writer that died with bytes put and not published', () => {
    const ring = ByteRing.create(64);
    const dead = ring.writer();
    dead.write(new Uint8Array([1, 2, 3]));
    dead.put(new Uint8Array([9, 9, 9]));
    const heir = ring.writer();
    expect(heir.position).toBe(3);
    heir.write(new Uint8Array([4, 5]));
    expect(drain(ring)).toEqual([1, 2, 3, 4, 5]);
  });

  test('gives the next reader again what a dead one took without freeing it', () => {
    const ring = ByteRing.create(64);
    ring.writer().write(new Uint8Array([1, 2, 3, 4]));
    const dead = ring.reader();
    dead.read(new Uint8Array(1));
    dead.take(new Uint8Array(2));
    expect(drain(ring)).toEqual([2, 3, 4]);
  });

  test('tells the reader of the end only after the last byte', () => {
    const ring = ByteRing.create(64);
    const [writer, reader] = [ring.writer(), ring.reader()];
    writer.put(new Uint8Array([1]));
    writer.end();
    expect(reader.ended).toBe(false);
    reader.read(new Uint8Array(1));
    expect(reader.ended).toBe(true);
    expect(reader.aborted).toBe(false);
    expect(ring.stats().state).toBe('ended');
  });

  test('tells either side that the other was buried', () => {
    const ring = ByteRing.create(64);
    ring.bury('writer');
    expect(ring.reader().aborted).toBe(true);
    expect(ring.stats().state).toBe('aborted');
    ring.bury('reader');
    expect(ring.writer().cancelled).toBe(true);
    expect(ring.stats().state).toBe('cancelled');
  });

  test('that was buried after its end stays ended', () => {
    const ring = ByteRing.create(64);
    ring.writer().end();
    ring.bury('writer');
    expect(ring.stats().state).toBe('ended');
  });

  test('that is made in memory of its own lies in whole cache lines', () => {
    for (const capacity of [8, 4096, 2 ** 20]) {
      const { words, bytes } = ByteRing.create(capacity);
      // Nothing but a WebAssembly memory has a buffer of whole pages, and it begins with one.
      expect(words.buffer.byteLength % 65_536).toBe(0);
      expect([words.byteOffset, bytes.byteOffset % 128, bytes.length]).toEqual([0, 0, capacity]);
      expect(bytes.buffer).toBe(words.buffer);
    }
  });

  test('is made in plain shared memory where there is no other', () => {
    vi.stubGlobal('WebAssembly', undefined);
    try {
      const ring = ByteRing.create(64);
      expect(ring.words.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(ring.writer().write(Uint8Array.of(1, 2, 3))).toBe(3);
      expect(ring.reader().read(new Uint8Array(8))).toBe(3);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test('refuses sizes, places and ranges that cannot be', () => {
    const words = new Int32Array(ByteRing.words());
    for (const capacity of [0, 4, 7, 24, 100]) {
      expect(codeOf(() => new ByteRing(words, 0, new Uint8Array(capacity)))).toBe(
        'ERR_INVALID_ARG',
      );
    }
    for (const capacity of [0, 24, 16.5, -8, Number.NaN, 2 ** 31]) {
      expect(codeOf(() => ByteRing.create(capacity))).toBe('ERR_INVALID_ARG');
    }
    for (const at of [-1, 1, 0.5, Number.NaN]) {
      expect(codeOf(() => new ByteRing(words, at, new Uint8Array(8)))).toBe('ERR_INVALID_ARG');
    }
    const ring = ByteRing.create(8);
    const bytes = new Uint8Array(4);
    for (const [from, to] of [
      [-1, 2],
      [3, 2],
      [0, 5],
      [Number.NaN, 2],
    ] as const) {
      expect(codeOf(() => ring.writer().write(bytes, from, to))).toBe('ERR_INVALID_ARG');
      expect(codeOf(() => ring.reader().read(bytes, from, to))).toBe('ERR_INVALID_ARG');
    }
    for (const count of [-1, 9, 0.5, Number.NaN]) {
      expect(codeOf(() => ring.writer().commit(count))).toBe('ERR_SIZE');
      expect(codeOf(() => ring.reader().consume(count))).toBe('ERR_SIZE');
    }
    expect(ring.stats()).toEqual({ capacity: 8, used: 0, head: 0, tail: 0, state: 'open' });
  });
});

describe('Frames', () => {
  test('are a queue of whole messages', () => {
    const step = fc.oneof(fc.uint8Array({ maxLength: 28 }), fc.constant('pop' as const));
    fc.assert(
      fc.property(
        position.map((at) => at - (at % 4)),
        fc.array(step, { maxLength: 60 }),
        (start, steps) => {
          const ring = ringOf(32, start);
          const writer = new FrameWriter(ring.writer());
          const reader = new FrameReader(ring.reader());
          const queue: number[][] = [];
          const target = new Uint8Array(28);
          const framed = (length: number): number => 4 + Math.ceil(length / 4) * 4;
          for (const message of steps) {
            if (message === 'pop') {
              const wanted = queue.shift();
              expect(reader.nextLength).toBe(wanted?.length ?? -1);
              expect(reader.pop(target)).toBe(wanted?.length ?? -1);
              if (wanted) expect([...target.subarray(0, wanted.length)]).toEqual(wanted);
            } else {
              const used = queue.reduce((sum, { length }) => sum + framed(length), 0);
              const fits = used + framed(message.length) <= 32;
              expect(writer.push(message)).toBe(fits);
              if (fits) queue.push([...message]);
            }
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('that were put without being published are lost with their writer, and no other', () => {
    const ring = ByteRing.create(64);
    const dead = new FrameWriter(ring.writer());
    dead.push(new Uint8Array([1, 2]));
    dead.put(new Uint8Array([3]));
    new FrameWriter(ring.writer()).push(new Uint8Array([4]));
    const reader = new FrameReader(ring.reader());
    const target = new Uint8Array(8);
    expect([reader.pop(target), target[0]]).toEqual([2, 1]);
    expect([reader.pop(target), target[0]]).toEqual([1, 4]);
    expect(reader.pop(target)).toBe(-1);
  });

  test('refuse a message that can never fit, and a target that is too small', () => {
    const ring = ByteRing.create(16);
    const writer = new FrameWriter(ring.writer());
    expect(codeOf(() => writer.push(new Uint8Array(13)))).toBe('ERR_SIZE');
    expect(writer.push(new Uint8Array(12))).toBe(true);
    expect(writer.push(new Uint8Array(0))).toBe(false);
    const reader = new FrameReader(ring.reader());
    expect(codeOf(() => reader.pop(new Uint8Array(11)))).toBe('ERR_SIZE');
    expect(reader.pop(new Uint8Array(12))).toBe(12);
  });
});
