import {
  ChunkedTeeReader,
  copyInChunks,
  type ByteReader,
  type ByteWriter,
  type Chunk,
  type TeeOptions,
  type TeePolicy,
} from '@millrace/core';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { byteAt } from '../rings-pattern.ts';
import { useClock } from './clock.ts';
import {
  EndFailure,
  GatedWriter,
  PatternReader,
  PatternWriter,
  StuckReader,
  placeOf,
  type Pace,
} from './ends.ts';
import { Lender } from './lender.ts';

const CHUNK = 4096;
const POLICIES: readonly TeePolicy[] = ['block', 'drop-branch', 'error'];
let lender: Lender;

beforeEach(() => {
  lender = new Lender();
});

function tee(
  reader: ByteReader,
  branch: ByteWriter,
  options: Partial<TeeOptions> = {},
): ChunkedTeeReader {
  return new ChunkedTeeReader(reader, branch, lender, { chunkSize: CHUNK, ...options });
}

/** The ways to consume a tee. Each gives how many bytes came, and sees to it that they are the right ones. */
type Consumer = (
  from: ChunkedTeeReader,
  sizes: readonly number[],
  paces: Pace[],
) => Promise<number>;

async function byReading(from: ByteReader, sizes: readonly number[]): Promise<number> {
  let total = 0;
  for (let i = 0; ; i++) {
    const into = new Uint8Array(sizes[i % sizes.length]!);
    const count = await from.read(into);
    if (count === 0) return total;
    total = checked(into.subarray(0, count), total);
  }
}

async function byIterating(from: ChunkedTeeReader): Promise<number> {
  let total = 0;
  for await (const piece of from) {
    // It must still be right after a while.
    await new Promise((resolve) => setImmediate(resolve));
    total = checked(piece, total);
  }
  return total;
}

async function byPiping(from: ChunkedTeeReader, _: unknown, paces: Pace[]): Promise<number> {
  const writer = new PatternWriter({ paces });
  const bytes = await from.pipeTo(writer);
  expect(writer).toMatchObject({ taken: bytes, wrong: 0, closed: 1 });
  return bytes;
}

async function byCopying(from: ChunkedTeeReader, _: unknown, paces: Pace[]): Promise<number> {
  const writer = new PatternWriter({ paces });
  // Not from the tee's memory: who holds some while it waits for the tee may have what the tee waits for.
  const tryTake = (length: number): Chunk => ({ bytes: new Uint8Array(length), release() {} });
  const chunks = { take: tryTake, tryTake };
  const bytes = await copyInChunks(writer, from, undefined, chunks, { chunkSize: 1000 });
  expect(writer).toMatchObject({ taken: bytes, wrong: 0 });
  return bytes;
}

function checked(bytes: Uint8Array, position: number): number {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== byteAt(position + i)) throw new Error(`Byte ${position + i} is wrong`);
  }
  return position + bytes.length;
}

const total = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: -1, max: 1 }))
    .map(([n, off]) => Math.max(0, n * CHUNK + off)),
  fc.nat(6 * CHUNK),
);
const paces = fc.array(fc.constantFrom<Pace>('now', 'soon', 'later'), {
  minLength: 1,
  maxLength: 5,
});
const sizes = fc.array(fc.integer({ min: 1, max: 2 * CHUNK }), { minLength: 1, maxLength: 4 });
const source = fc.record({ pieces: sizes, paces });
const memory = fc.record({ most: fc.constantFrom(1, 2, 16), late: fc.boolean() });
const consumer = fc.constantFrom<Consumer>(byReading, byIterating, byPiping, byCopying);
const failsAt = fc.option(fc.nat(8), { nil: undefined });

async function outcomeOf<T>(promise: Promise<T>): Promise<{ value?: T; error?: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

describe('A tee', () => {
  test('gives both consumers every byte, whatever their paces and the sizes they read', async () => {
    await fc.assert(
      fc.asyncProperty(
        total,
        source,
        paces,
        fc.tuple(consumer, sizes, paces),
        memory,
        fc.integer({ min: 1, max: 5 }),
        async (size, from, branchPaces, [consume, readSizes, to], room, maxLagChunks) => {
          lender.reset(room);
          const branch = new PatternWriter({ paces: branchPaces });
          const it = tee(new PatternReader(size, from), branch, { maxLagChunks });
          expect(await consume(it, readSizes, to)).toBe(size);
          const report = await it.finished;
          expect(branch).toMatchObject({ taken: size, wrong: 0, closed: 1, endings: [] });
          expect(report.branch).toEqual({
            state: 'closed',
            bytesWritten: size,
            lagChunks: 0,
            error: undefined,
          });
          expect(report).toMatchObject({ bytesRead: size, error: undefined });
          expect(report.chunksLeased).toBeLessThanOrEqual(maxLagChunks + 2);
          expect(lender.out).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('fails nobody but whom the policy says, wherever an end fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        total,
        fc.record({ pieces: sizes, paces, failsAt }),
        fc.record({ paces, failsAt }),
        fc.tuple(consumer, sizes, paces),
        memory,
        fc.constantFrom(...POLICIES),
        async (size, from, to, [consume, readSizes, consumerPaces], room, policy) => {
          lender.reset(room);
          const reader = new PatternReader(size, from);
          const branch = new PatternWriter(to);
          // The branch may be behind by all of it: whether it fails is all that matters here.
          const it = tee(reader, branch, { policy, maxLagChunks: 1000 });
          const outcome = await outcomeOf(consume(it, readSizes, consumerPaces));
          const report = await it.finished;

          expect(branch.wrong).toBe(0);
          expect(lender.out).toBe(0);
          expect(branch.closed + branch.endings.length).toBe(1);
          expect(report.branch.state).toBe(branch.closed ? 'closed' : 'dropped');
          const branchFailed = report.branch.error?.code === 'ERR_WRITE';
          if (report.error === undefined) {
            expect(outcome).toEqual({ value: size });
            expect(branchFailed).toBe(branch.closed === 0);
            if (branchFailed) expect(policy).not.toBe('error');
            return;
          }
          expect(outcome.error).toBe(report.error);
          expect(report.error.cause).toBeInstanceOf(EndFailure);
          if (report.error.code === 'ERR_WRITE') expect(policy).toBe('error');
          else expect(report.error.code).toBe('ERR_READ');
        },
      ),
      { numRuns: 500 },
    );
  });

  test('that is to drop its branch never harms the consumer, whatever the branch does', async () => {
    await fc.assert(
      fc.asyncProperty(
        total,
        source,
        fc.record({ paces, failsAt }),
        fc.tuple(consumer, sizes, paces),
        memory,
        fc.integer({ min: 1, max: 3 }),
        async (size, from, to, [consume, readSizes, consumerPaces], room, maxLagChunks) => {
          lender.reset(room);
          const branch = new PatternWriter(to);
          const it = tee(new PatternReader(size, from), branch, {
            policy: 'drop-branch',
            maxLagChunks,
          });
          expect(await consume(it, readSizes, consumerPaces)).toBe(size);
          const { branch: report } = await it.finished;
          expect(branch.closed + branch.endings.length).toBe(1);
          if (report.state === 'closed') expect(branch.taken).toBe(size);
          else expect(['ERR_BRANCH_LAGGING', 'ERR_WRITE']).toContain(report.error?.code);
          expect(branch.wrong).toBe(0);
          expect(await lender.outInTheEnd()).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('aborts the branch when its consumer leaves, wherever it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(10 * CHUNK),
        source,
        paces,
        sizes,
        fc.constantFrom(...POLICIES),
        fc.integer({ min: 1, max: 2 * CHUNK }),
        fc.nat(12),
        async (after, from, branchPaces, readSizes, policy, lastSize, ticks) => {
          lender.reset();
          const reader = new PatternReader(12 * CHUNK, from);
          const branch = new PatternWriter({ paces: branchPaces });
          const it = tee(reader, branch, { policy, maxLagChunks: 1000 });
          for (let read = 0, i = 0; read < after; i++) {
            read += await it.read(new Uint8Array(readSizes[i % readSizes.length]!));
          }
          const reading = outcomeOf((async () => it.read(new Uint8Array(lastSize)))());
          // In the midst of it, and between any two of its steps.
          for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
          await it.cancel('enough');
          const { error } = await it.finished;
          expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
          expect(reader.endings).toEqual([error]);
          expect(branch).toMatchObject({ wrong: 0, closed: 0, endings: [error] });
          expect(lender.out).toBe(0);
          // One that was answered already keeps its answer.
          const last = await reading;
          if (last.error !== undefined) expect(last.error).toBe(error);
          await expect((async () => it.read(new Uint8Array(1)))()).rejects.toBe(error);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('uses few chunks again and again', async () => {
    const branch = new PatternWriter({ paces: ['later', 'now'] });
    const it = tee(new PatternReader(100 * CHUNK), branch);
    expect(await byIterating(it)).toBe(100 * CHUNK);
    const { chunksUsed, chunksLeased } = await it.finished;
    expect(chunksUsed).toBe(100);
    expect(chunksLeased).toBeLessThanOrEqual(6);
    expect(lender.slots.size).toBe(chunksLeased);
    expect(branch.places.size).toBe(chunksLeased);
  });

  test('hands the same memory to both when it pipes', async () => {
    const branch = new PatternWriter();
    const writer = new PatternWriter({ paces: ['later'] });
    const it = tee(new PatternReader(20 * CHUNK), branch);
    await it.pipeTo(writer);
    expect(writer.places).toEqual(branch.places);
    expect(lender.takes).toBe(2);
  });

  test('between ends that answer at once is read without being waited for', () => {
    const branch = new PatternWriter();
    const it = tee(new PatternReader(3 * CHUNK), branch);
    const into = new Uint8Array(CHUNK);
    expect([1, 2, 3, 4].map(() => it.read(into))).toEqual([CHUNK, CHUNK, CHUNK, 0]);
    expect(branch).toMatchObject({ taken: 3 * CHUNK, wrong: 0 });
    expect({ takes: lender.takes, out: lender.out }).toEqual({ takes: 1, out: 0 });
  });

  test('tells what it has done', async () => {
    const before = Date.now();
    const it = tee(new PatternReader(CHUNK + 1), new PatternWriter());
    expect(it.startedAt).toBeGreaterThanOrEqual(before - 1);
    expect(it.startedAt).toBeLessThanOrEqual(Date.now() + 1);
    await it.read(new Uint8Array(10));
    expect(it).toMatchObject({ bytesRead: CHUNK, chunksUsed: 1, chunksLeased: 1 });
    expect(it.branch).toMatchObject({ state: 'open', bytesWritten: CHUNK, lagChunks: 0 });
    let read = 10;
    for await (const piece of it) read = checked(piece, read);
    expect(it).toMatchObject({ bytesRead: CHUNK + 1, chunksUsed: 2, chunksLeased: 1 });
    const { elapsedMs } = await it.finished;
    expect(elapsedMs).toBe(it.elapsedMs);
    expect(elapsedMs).toBeGreaterThan(0);
  });

  test('can be read in one way first and in another after', async () => {
    const it = tee(new PatternReader(3 * CHUNK), new PatternWriter());
    expect(await it.read(new Uint8Array(100))).toBe(100);
    let read = 100;
    for await (const piece of it) read = checked(piece, read);
    expect(read).toBe(3 * CHUNK);
  });

  test('refuses a second read while one is under way', async () => {
    const it = tee(new StuckReader(), new PatternWriter());
    const reading = outcomeOf(Promise.resolve(it.read(new Uint8Array(1))));
    expect(() => it.read(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'ERR_READ' }));
    await it.cancel();
    expect((await reading).error).toMatchObject({ code: 'ERR_ABORTED' });
  });

  test('refuses settings that are none', () => {
    for (const options of [
      { policy: 'wait' as never },
      { maxLagChunks: 0 },
      { maxLagChunks: 1.5 },
    ]) {
      expect(() => tee(new StuckReader(), new PatternWriter(), options)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
      );
    }
    expect(() => tee(new StuckReader(), new PatternWriter()).read(new Uint8Array(0))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
    );
  });

  test('that is left does not wait for a reader that cannot be told, but keeps its chunk until it is back', async () => {
    let give!: (count: number) => void;
    const reader: ByteReader = { read: () => new Promise((resolve) => (give = resolve)) };
    const branch = new PatternWriter();
    const it = tee(reader, branch);
    const reading = outcomeOf(Promise.resolve(it.read(new Uint8Array(1))));
    await it.cancel();
    expect((await reading).error).toMatchObject({ code: 'ERR_ABORTED' });
    expect(lender.out).toBe(1);
    give(1);
    await expect.poll(() => lender.out).toBe(0);
    expect(branch.taken).toBe(0);
  });

  test('lets the event loop have its turns while it is iterated, though all ends answer at once', async () => {
    useClock(0.25);
    const it = tee(new PatternReader(1000 * CHUNK), new PatternWriter());
    let turns = 0;
    const count = (): void => {
      turns++;
      if (it.bytesRead < 1000 * CHUNK) setImmediate(count);
    };
    setImmediate(count);
    for await (const piece of it) expect(piece.length).toBe(CHUNK);
    // It looks once a chunk, and goes on for 1 ms.
    expect(turns).toBeGreaterThanOrEqual(200);
  });
});

describe('A branch that is stuck', () => {
  test('makes the consumer wait at the bound and no sooner, when it is to block', async () => {
    const reader = new PatternReader(20 * CHUNK);
    const branch = new GatedWriter();
    const it = tee(reader, branch, { policy: 'block', maxLagChunks: 3 });
    const into = new Uint8Array(CHUNK);
    for (let i = 0; i < 3; i++) expect(it.read(into)).toBe(CHUNK);
    for (let i = 3; i < 20; i++) {
      let read = false;
      const reading = Promise.resolve(it.read(into)).then((count) => {
        read = true;
        return count;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect({ read, lag: it.branch.lagChunks }).toEqual({ read: false, lag: 3 });
      await branch.let();
      expect(await reading).toBe(CHUNK);
    }
    const end = it.read(into);
    for (let i = 17; i < 20; i++) await branch.let();
    expect(await end).toBe(0);
    expect((await it.finished).branch).toMatchObject({ state: 'closed', bytesWritten: 20 * CHUNK });
    expect({ wrong: branch.wrong, out: lender.out }).toEqual({ wrong: 0, out: 0 });
    expect(lender.takes).toBe(3);
  });

  test.each(['one', 'two'] as const)(
    'costs the consumer nothing but its chunk when it is to be dropped, with room for %s chunks',
    async (room) => {
      // Whoever lends chunks finds some other memory in the end.
      lender.reset({ most: room === 'one' ? 1 : 2 });
      const emergency: string[] = [];
      const chunks = {
        tryTake: (bytes: number) => lender.tryTake(bytes),
        take: async (bytes: number) => {
          const chunk = lender.tryTake(bytes);
          if (chunk) return chunk;
          emergency.push('private memory');
          return { bytes: new Uint8Array(bytes), release: () => void emergency.pop() };
        },
      };
      const branch = new GatedWriter();
      const it = new ChunkedTeeReader(new PatternReader(20 * CHUNK), branch, chunks, {
        chunkSize: CHUNK,
        policy: 'drop-branch',
        maxLagChunks: 3,
      });
      expect(await byReading(it, [CHUNK])).toBe(20 * CHUNK);
      const { branch: report, error } = await it.finished;
      expect(error).toBeUndefined();
      expect(report).toMatchObject({ state: 'dropped', error: { code: 'ERR_BRANCH_LAGGING' } });
      expect(branch.endings).toEqual([report.error]);
      expect({ out: lender.out, emergency }).toEqual({ out: 0, emergency: [] });
    },
  );

  test('has its chunk back only when it lets go of it, though it was dropped', async () => {
    const gated = new GatedWriter();
    // Cannot be aborted.
    const branch: ByteWriter = { write: (bytes) => gated.write(bytes) };
    const it = tee(new PatternReader(50 * CHUNK), branch, { policy: 'drop-branch' });
    expect(await byPiping(it, [], ['later'])).toBe(50 * CHUNK);
    expect((await it.finished).branch.state).toBe('dropped');
    expect(lender.out).toBe(1);
    await gated.let();
    expect(gated).toMatchObject({ taken: CHUNK, wrong: 0 });
    await expect.poll(() => lender.out).toBe(0);
  });

  test('that is aborted in the midst of a write is not finished before that', async () => {
    let written = (): void => {};
    let aborted = 0;
    const it: ChunkedTeeReader = tee(new PatternReader(2 * CHUNK), {
      write() {
        void it.cancel('enough');
        return new Promise((resolve) => (written = resolve));
      },
      abort() {
        aborted++;
      },
    });
    let finished = false;
    void it.finished.then(() => (finished = true));
    await outcomeOf(byReading(it, [CHUNK]));
    await new Promise((resolve) => setImmediate(resolve));
    expect({ aborted, finished }).toEqual({ aborted: 1, finished: false });
    written();
    expect((await it.finished).branch.state).toBe('dropped');
    expect(lender.out).toBe(0);
  });

  test('fails the tee at the bound when that is to be an error', async () => {
    const reader = new PatternReader(20 * CHUNK);
    const branch = new GatedWriter();
    const it = tee(reader, branch, { policy: 'error', maxLagChunks: 3 });
    const { error } = await outcomeOf(byReading(it, [CHUNK]));
    expect(error).toMatchObject({ code: 'ERR_BRANCH_LAGGING' });
    expect(it.bytesRead).toBe(3 * CHUNK);
    expect((await it.finished).error).toBe(error);
    expect([reader.endings, branch.endings]).toEqual([[error], [error]]);
    expect(lender.out).toBe(0);
  });

  test('has what it has when the consumer is done, and goes on', async () => {
    const branch = new GatedWriter();
    const it = tee(new PatternReader(2 * CHUNK), branch, { policy: 'block' });
    expect(await byReading(it, [CHUNK])).toBe(2 * CHUNK);
    expect(it.branch).toMatchObject({ state: 'open', lagChunks: 2 });
    await branch.let();
    await branch.let();
    expect((await it.finished).branch.state).toBe('closed');
    expect({ closed: branch.closed, out: lender.out }).toEqual({ closed: 1, out: 0 });
  });

  test('is aborted when the consumer leaves at the end', async () => {
    const branch = new GatedWriter();
    const it = tee(new PatternReader(2 * CHUNK), branch);
    await byReading(it, [CHUNK]);
    await it.cancel('enough');
    expect(branch.endings).toMatchObject([{ code: 'ERR_ABORTED', cause: 'enough' }]);
    expect({ state: it.branch.state, out: lender.out }).toEqual({ state: 'dropped', out: 0 });
  });
});

describe('A branch that is slow', () => {
  test('is not dropped for the turn that it needs to answer', async () => {
    for (const policy of POLICIES) {
      const branch = new PatternWriter({ paces: ['soon'] });
      const it = tee(new PatternReader(50 * CHUNK), branch, { policy, maxLagChunks: 1 });
      expect(await byReading(it, [CHUNK])).toBe(50 * CHUNK);
      expect((await it.finished).branch.state).toBe('closed');
    }
  });

  test('sets the pace when it is to block', async () => {
    const branch = new PatternWriter({ paces: ['later'] });
    const it = tee(new PatternReader(50 * CHUNK), branch, { maxLagChunks: 2 });
    let most = 0;
    for await (const piece of it) {
      expect(piece.length).toBe(CHUNK);
      most = Math.max(most, it.branch.lagChunks);
    }
    expect(most).toBe(2);
    expect((await it.finished).branch.state).toBe('closed');
  });

  test('makes the end wait for it when its failure is to be one of the tee', async () => {
    const branch = new GatedWriter();
    const it = tee(new PatternReader(CHUNK), branch, { policy: 'error' });
    const into = new Uint8Array(CHUNK);
    expect(await it.read(into)).toBe(CHUNK);
    const end = outcomeOf(Promise.resolve(it.read(into)));
    await branch.let(new EndFailure('at last'));
    expect((await end).error).toMatchObject({ code: 'ERR_WRITE' });
    expect((await it.finished).error).toMatchObject({ code: 'ERR_WRITE' });
  });
});

describe('A branch that fails to close', () => {
  test.each(POLICIES)('fails whom the policy "%s" says', async (policy) => {
    const branch = new PatternWriter();
    branch.close = () => {
      throw new EndFailure('disk full');
    };
    const it = tee(new PatternReader(2 * CHUNK), branch, { policy });
    const outcome = await outcomeOf(byPiping(it, [], ['later']));
    const { branch: report } = await it.finished;
    expect(report).toMatchObject({ state: 'dropped', error: { code: 'ERR_WRITE' } });
    if (policy === 'error') expect(outcome.error).toBe(report.error);
    else expect(outcome.value).toBe(2 * CHUNK);
    // Either closed or aborted, not both.
    expect(branch.endings).toEqual([]);
  });
});

describe('A tee that is piped', () => {
  test('aborts the branch when the writer fails, so that no half is left there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(9), paces, paces, paces, async (at, from, to, branchPaces) => {
        lender.reset();
        const reader = new PatternReader(10 * CHUNK, { paces: from });
        const branch = new PatternWriter({ paces: branchPaces });
        const writer = new PatternWriter({ paces: to, failsAt: at });
        const it = tee(reader, branch, { maxLagChunks: 100 });
        const { error } = await outcomeOf(it.pipeTo(writer));
        expect(error).toMatchObject({ code: 'ERR_WRITE', cause: expect.any(EndFailure) });
        await it.finished;
        expect(writer.endings).toEqual([error]);
        expect(branch.closed + branch.endings.length).toBe(1);
        // It may have had everything already when the last write failed.
        if (branch.closed) expect(branch.taken).toBe(10 * CHUNK);
        else expect(branch.endings).toMatchObject([{ code: 'ERR_ABORTED', cause: error }]);
        expect(lender.out).toBe(0);
      }),
    );
  });

  test('ends with its signal, wherever it is stuck', async () => {
    const stuck: Record<string, () => Promise<{ it: ChunkedTeeReader; to: PatternWriter }>> = {
      async reader() {
        return { it: tee(new StuckReader(), new PatternWriter()), to: new PatternWriter() };
      },
      async branch() {
        const it = tee(new PatternReader(100 * CHUNK), new GatedWriter());
        return { it, to: new PatternWriter() };
      },
      async writer() {
        return { it: tee(new PatternReader(CHUNK), new PatternWriter()), to: new GatedWriter() };
      },
    };
    for (const make of Object.values(stuck)) {
      const { it, to } = await make();
      const abort = new AbortController();
      const piping = outcomeOf(it.pipeTo(to, { signal: abort.signal }));
      await new Promise((resolve) => setImmediate(resolve));
      abort.abort('enough');
      expect((await piping).error).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
      await it.finished;
      expect(to.endings).toHaveLength(1);
      expect(lender.out).toBe(0);
    }
  });
});

describe('A tee that is iterated', () => {
  test('is left by a break, and by an error in the loop', async () => {
    for (const leave of ['break', 'throw'] as const) {
      const reader = new PatternReader(10 * CHUNK);
      const branch = new PatternWriter({ paces: ['later'] });
      const it = tee(reader, branch);
      const loop = async (): Promise<void> => {
        for await (const piece of it) {
          if (leave === 'throw') throw new EndFailure(`${piece.length}`);
          break;
        }
      };
      await outcomeOf(loop());
      expect(branch.endings).toMatchObject([{ code: 'ERR_ABORTED' }]);
      expect(reader.endings).toHaveLength(1);
      expect(lender.out).toBe(0);
    }
  });

  test('gives views of the chunks that the branch has', async () => {
    const branch = new PatternWriter();
    const it = tee(new PatternReader(10 * CHUNK), branch);
    const places = new Set<string>();
    for await (const piece of it) places.add(placeOf(piece));
    expect(places).toEqual(branch.places);
  });
});
