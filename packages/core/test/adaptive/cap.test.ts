/** The cap on large operations: never more at a time, no one waits for ever, and every permit comes back. */
import {
  AdaptiveBufferPool,
  BufferPools,
  type ByteReader,
  type ByteWriter,
  type LargeOpsGate,
} from '@millrace/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Cap } from '../../dist/adaptive/cap.js';
import { OwnGate } from '../../dist/adaptive/own-gate.js';
import { OWNER } from '../memory.ts';
import { GatedWriter, PatternReader, PatternWriter } from './ends.ts';
import { rejectionOf } from './rejection.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

function make(most: number, gate?: LargeOpsGate) {
  const pools = BufferPools.create({ memory: 16 * MiB }, OWNER);
  const pool = new AdaptiveBufferPool(pools, { maxConcurrentLargeOps: most }, { gate });
  return { pools, pool };
}

/** Counts who is between its first read and its last. */
class Busy {
  now = 0;
  most = 0;
  enter(): void {
    this.most = Math.max(this.most, ++this.now);
  }
  leave(): void {
    this.now--;
  }
}

test.each([1, 2, 5])('of twelve large copies %d at a time are at work', async (most) => {
  const { pools, pool } = make(most);
  const busy = new Busy();
  const sizes = [256 * KiB, 1 * MiB, 512 * KiB, undefined];
  await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const size = sizes[i % sizes.length];
      const reader = new PatternReader(size ?? 300 * KiB, { paces: ['later'] });
      let begun = false;
      const read = async (into: Uint8Array): Promise<number> => {
        if (!begun) busy.enter();
        begun = true;
        const count = await reader.read(into);
        if (count === 0) busy.leave();
        return count;
      };
      await pool.copyBuffer(new PatternWriter({ paces: ['later', 'soon'] }), { read }, size);
    }),
  );
  expect(busy.most).toBe(most);
  expect(pool.stats().queuedOperations).toBe(12 - most);
  expect(pools.stats().slices.live).toBe(0);
});

test('what is not large never waits for the cap', async () => {
  const { pool } = make(1);
  const writer = new GatedWriter();
  const large = pool.copyBuffer(writer, new PatternReader(2 * MiB), 2 * MiB);
  await writer.writing();
  const bytes = new Uint8Array(200 * KiB);
  expect(pool.copyBuffer(bytes, bytes.slice(), bytes.length)).toBe(bytes.length);
  expect(pool.stats().queuedOperations).toBe(0);
  let open = true;
  const end = Promise.resolve(large).then(() => (open = false));
  while (open) await Promise.race([writer.let(), end]);
});

test('a tee holds its permit until both its ends have come to theirs', async () => {
  const { pools, pool } = make(1);
  const branch = new PatternWriter();
  const tee = pool.tee(new PatternReader(512 * KiB), branch, { size: 512 * KiB });
  const consumer = tee[Symbol.asyncIterator]();
  expect((await consumer.next()).done).toBe(false);
  const copy = pool.copyBuffer(new PatternWriter(), new PatternReader(300 * KiB), 300 * KiB);
  expect(pool.stats().queuedOperations).toBe(1);
  await consumer.return();
  expect(await copy).toBe(300 * KiB);
  expect(pools.stats().slices.live).toBe(0);
});

test('a tee hands everything on to both, and its chunks come back', async () => {
  const { pools, pool } = make(2);
  for (const size of [100, 100 * KiB, 512 * KiB, 2 * MiB, undefined]) {
    const total = size ?? 700_000;
    const branch = new PatternWriter({ paces: ['soon'] });
    const consumer = new PatternWriter({ paces: ['later'] });
    const tee = pool.tee(new PatternReader(total), branch, { size });
    expect(await tee.pipeTo(consumer)).toBe(total);
    const report = await tee.finished;
    expect([report.bytesRead, branch.taken, branch.wrong, branch.closed]).toEqual([
      total,
      total,
      0,
      1,
    ]);
    expect([consumer.taken, consumer.wrong, report.error]).toEqual([total, 0, undefined]);
  }
  const stats = pool.stats();
  expect([stats.pooledOperations, stats.chunkedOperations, stats.directOperations]).toEqual([
    2, 1, 2,
  ]);
  expect([stats.activeBuffers, pools.stats().slices.live]).toEqual([0, 0]);
  expect(() => pool.tee(new Uint8Array(9), 5 as never)).toThrow('Cannot write to a value');
  const policy = 'never' as never;
  expect(() => pool.tee(new Uint8Array(9), new Uint8Array(9), { policy })).toThrow('"never"');
  expect(pool.stats().activeBuffers).toBe(0);
});

test('the gate that was given is the one that is asked, by weight', async () => {
  const calls: unknown[] = [];
  const gate: LargeOpsGate = {
    weightOf: (bytes) => bytes ?? 1000,
    tryEnter: (weight) => calls.push(['try', weight]) > 2,
    enter: async (weight) => void calls.push(['enter', weight]),
    leave: (weight) => void calls.push(['leave', weight]),
  };
  const { pool } = make(1, gate);
  const bytes = new Uint8Array(300 * KiB);
  await pool.copyBuffer(bytes, bytes.slice(), bytes.length);
  await pool.copyBuffer(bytes, bytes.slice());
  await pool.copyBuffer(new Uint8Array(9), new Uint8Array(9), 9);
  const { length } = bytes;
  expect(calls).toEqual([
    ['try', length],
    ['enter', length],
    ['leave', length],
    ['try', 1000],
    ['leave', 1000],
  ]);
});

test('a copy that fails in line, or has nothing to copy, gives its permit back', async () => {
  const { pool } = make(1);
  const failing = { read: () => Promise.reject(new Error('no')) };
  expect((await rejectionOf(pool.copyBuffer(new PatternWriter(), failing, 1 * MiB))).code).toBe(
    'ERR_READ',
  );
  const ending = new AbortController();
  const writer = new GatedWriter();
  const holder = pool.copyBuffer(writer, new PatternReader(1 * MiB), 1 * MiB);
  await writer.writing();
  const waiting = rejectionOf(
    pool.copyBuffer(new PatternWriter(), new PatternReader(1 * MiB), 1 * MiB, {
      signal: ending.signal,
    }),
  );
  ending.abort();
  expect((await waiting).code).toBe('ERR_ABORTED');
  const failed = rejectionOf(holder);
  await writer.let(new Error('full'));
  expect((await failed).code).toBe('ERR_WRITE');
  expect(await pool.copyBuffer(new PatternWriter(), new PatternReader(0), 1 * MiB)).toBe(0);
});

/** What is written to it is read from it. */
class Pipe implements ByteReader, ByteWriter {
  #bytes = new Uint8Array(0);
  #ended = false;
  #read: (() => void) | undefined;
  #written: (() => void) | undefined;

  async read(into: Uint8Array): Promise<number> {
    while (this.#bytes.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#read = resolve));
    }
    const count = Math.min(into.length, this.#bytes.length);
    into.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
    if (this.#bytes.length === 0) this.#written?.();
    return count;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#bytes = bytes.slice();
    this.#read?.();
    return new Promise((resolve) => (this.#written = resolve));
  }

  end(): void {
    this.#ended = true;
    this.#read?.();
  }
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => vi.useRealTimers());

test('a copy that feeds another one under a cap of one does not wait for it for ever', async () => {
  const { pools, pool } = make(1);
  const pipe = new Pipe();
  const reader = new PatternWriter();
  const fed = pool.copyBuffer(reader, pipe);
  const feeding = pool.copyBuffer(pipe, new PatternReader(1 * MiB), 1 * MiB);
  expect(pool.stats().queuedOperations).toBe(1);
  // Nothing has moved since the first look.
  await vi.advanceTimersByTimeAsync(1000);
  expect(await feeding).toBe(1 * MiB);
  pipe.end();
  expect(await fed).toBe(1 * MiB);
  expect([reader.taken, reader.wrong]).toEqual([1 * MiB, 0]);
  expect(pools.stats().slices.live).toBe(0);
});

test('a permit is lent while its holder stands still, taken again when it moves, and given back once', async () => {
  const gate = new OwnGate(1, 1 as never);
  const cap = new Cap(gate);
  const permit = cap.tryEnter(1)!;
  expect(cap.tryEnter(1)).toBeUndefined();
  permit.moved();
  vi.advanceTimersByTime(500);
  expect(cap.tryEnter(1)).toBeUndefined();
  vi.advanceTimersByTime(500);
  const other = cap.tryEnter(1)!;
  expect(other).toBeDefined();
  permit.moved();
  expect(cap.tryEnter(1)).toBeUndefined();
  other.end();
  permit.moved();
  expect(cap.tryEnter(1)).toBeUndefined();
  permit.end();
  const last = cap.tryEnter(1)!;
  vi.advanceTimersByTime(1000);
  last.end();
  cap.tryEnter(1)!.end();
  vi.advanceTimersByTime(1000);
  expect(vi.getTimerCount()).toBe(0);
});
