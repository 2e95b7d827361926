/**
 * Tees that are done in one piece as long as their ends answer at once. Nobody is to see the difference,
 * wherever the piece ends: so each is done twice, and once with a signal, which has it flow from the start.
 */
import {
  AdaptiveBufferPool,
  BufferPools,
  ChunkedTeeReader,
  type ByteReader,
  type ByteWriter,
  type TeePolicy,
} from '@millrace/core';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { OWNER } from '../memory.ts';
import { useClock } from './clock.ts';
import { PatternReader, PatternWriter, type EndShape, type Pace } from './ends.ts';
import { Lender } from './lender.ts';

const CHUNK = 4096;

type Closing = Pace | 'fails' | 'fails later';

interface Case {
  readonly size: number;
  readonly from: EndShape;
  readonly branch: EndShape & { readonly closing: Closing };
  readonly consumer: EndShape & { readonly closing: Closing };
  readonly policy: TeePolicy;
  readonly maxLagChunks: number;
  /** Leaves the tee in the midst of the call of that number, whoever's it is. */
  readonly leavesAt: number | undefined;
}

type MakeTee = (reader: ByteReader, branch: ByteWriter, its: Case) => ChunkedTeeReader;

/** All that anybody can see of a tee, in its order. */
async function seen(its: Case, make: MakeTee, signal?: AbortSignal): Promise<unknown[]> {
  // Both begin in the same phase of the event loop, so that answers come in the same order.
  await new Promise((resolve) => setImmediate(resolve));
  const log: unknown[] = [];
  const reader = new PatternReader(its.size, its.from);
  const writers = {
    branch: new PatternWriter(its.branch),
    consumer: new PatternWriter(its.consumer),
  };
  let calls = 0;
  let leaving: Promise<void> | undefined;
  const called = (...what: unknown[]): void => {
    const { bytesRead, chunksUsed, branch } = it;
    log.push([...what, bytesRead, chunksUsed, branch]);
    if (calls++ === its.leavesAt) leaving = it.cancel('enough');
  };
  const writer = (name: 'branch' | 'consumer'): ByteWriter => ({
    write(bytes) {
      called(name, 'write', bytes.length);
      return writers[name].write(bytes);
    },
    close() {
      called(name, 'close');
      return answerOf(its[name].closing);
    },
    abort(reason) {
      called(name, 'abort', reason);
    },
  });
  const it = make(
    {
      read(into) {
        called('read', into.length);
        return reader.read(into);
      },
      cancel: (reason) => called('cancel', reason),
    },
    writer('branch'),
    its,
  );
  // Who asks before has the same answer.
  const { finished } = it;
  await it.pipeTo(writer('consumer'), signal && { signal }).then(
    (bytes) => log.push(['piped', bytes]),
    (error: unknown) => log.push(['failed', error]),
  );
  const { elapsedMs, ...report } = await finished;
  expect(await it.finished).toEqual({ elapsedMs, ...report });
  expect(elapsedMs).toBeGreaterThanOrEqual(0);
  // It is over, whoever asks.
  const after = Promise.resolve().then(() => it.read(new Uint8Array(1)));
  log.push(await after.catch((error: unknown) => ['refused', error]));
  await leaving;
  await it.cancel('late');
  const { branch, consumer } = writers;
  expect([branch.wrong, consumer.wrong]).toEqual([0, 0]);
  return [...log, report, branch.taken, consumer.taken];
}

function answerOf(closing: Closing): void | Promise<void> {
  const failure = new Error('cannot close');
  switch (closing) {
    case 'now':
      return undefined;
    case 'soon':
      return Promise.resolve();
    case 'later':
      return new Promise((resolve) => setImmediate(resolve));
    case 'fails':
      throw failure;
    case 'fails later':
      return Promise.reject(failure);
  }
}

const someTimes = fc.option(fc.nat(2), { nil: undefined, freq: 3 });
const paces = fc.oneof(
  fc.constant<Pace[]>([]),
  fc.array(fc.constantFrom<Pace>('now', 'now', 'soon', 'later'), { minLength: 1, maxLength: 4 }),
);
const end = fc.record({ paces, failsAt: someTimes });
const writer = fc.record({
  paces,
  failsAt: someTimes,
  closing: fc.oneof(
    fc.constant<Closing>('now'),
    fc.constantFrom<Closing>('now', 'soon', 'later', 'fails', 'fails later'),
  ),
});
const anyCase: fc.Arbitrary<Case> = fc.record({
  size: fc.oneof(
    fc.constantFrom(0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK),
    fc.nat(3 * CHUNK),
  ),
  from: fc.oneof(
    end,
    end.map((shape) => ({ ...shape, pieces: [1000, 3000] })),
  ),
  branch: writer,
  consumer: writer,
  policy: fc.constantFrom<TeePolicy>('block', 'drop-branch', 'error'),
  maxLagChunks: fc.integer({ min: 1, max: 3 }),
  leavesAt: fc.option(fc.nat(7), { nil: undefined, freq: 2 }),
});

/** A signal that never comes. */
const { signal } = new AbortController();

// Nobody pauses because the machine is slow.
beforeEach(() => useClock(0));

test('shows nobody whether it is done in one piece, wherever that ends', async () => {
  const room = fc.record({ most: fc.constantFrom(1, 2, 16), late: fc.boolean() });
  const lender = new Lender();
  const make: MakeTee = (reader, branch, { policy, maxLagChunks }) =>
    new ChunkedTeeReader(reader, branch, lender, { chunkSize: CHUNK, policy, maxLagChunks });
  await fc.assert(
    fc.asyncProperty(anyCase, room, async (its, { most, late }) => {
      // With one chunk, who may not wait for the branch waits for it nevertheless.
      const chunks = its.policy === 'block' ? most : 16;
      const both: unknown[] = [];
      for (const by of [undefined, signal]) {
        lender.reset({ most: chunks, late });
        const log = await seen(its, make, by);
        expect(await lender.outInTheEnd()).toBe(0);
        both.push([...log, lender.takes]);
      }
      expect(both[0]).toEqual(both[1]);
    }),
    { numRuns: 1500 },
  );
});

test('is counted the same, whether it is done in one piece or not', async () => {
  const make = (): { pool: AdaptiveBufferPool; pools: BufferPools; tee: MakeTee } => {
    const pools = BufferPools.create({ memory: 2 ** 24 }, OWNER);
    const pool = new AdaptiveBufferPool(pools, { minBufferSize: 1024 });
    const tee: MakeTee = (reader, branch, { policy, maxLagChunks, size }) =>
      pool.tee(reader, branch, { size, policy, maxLagChunks });
    return { pool, pools, tee };
  };
  const [atOnce, flowing] = [make(), make()];
  await fc.assert(
    fc.asyncProperty(anyCase, async (its) => {
      const log = await seen(its, atOnce.tee);
      expect(log).toEqual(await seen(its, flowing.tee, signal));
      expect(atOnce.pool.stats()).toEqual(flowing.pool.stats());
      for (const { pool, pools } of [atOnce, flowing]) {
        expect([pools.stats().slices.live, pool.stats().activeBuffers]).toEqual([0, 0]);
      }
    }),
    { numRuns: 500 },
  );
});

test('gives its permit back, though it is done in one piece', async () => {
  const pools = BufferPools.create({ memory: 2 ** 24 }, OWNER);
  const pool = new AdaptiveBufferPool(pools, { maxConcurrentLargeOps: 1 });
  for (let i = 0; i < 3; i++) {
    // It is said to be large, and is not.
    const it = pool.tee(new PatternReader(100), new PatternWriter(), { size: 300_000 });
    expect(await it.pipeTo(new PatternWriter())).toBe(100);
  }
  expect(pool.stats()).toMatchObject({ largeObjectOps: 3, queuedOperations: 0 });
});

test('refuses to be read in the midst of its piece, and goes on', async () => {
  const lender = new Lender();
  const refused: unknown[] = [];
  const it = new ChunkedTeeReader(new PatternReader(100), new PatternWriter(), lender, {
    chunkSize: CHUNK,
  });
  const to = new PatternWriter();
  const bytes = await it.pipeTo({
    write(piece) {
      try {
        refused.push(it.read(new Uint8Array(1)));
      } catch (error) {
        refused.push(error);
      }
      return to.write(piece);
    },
  });
  expect(refused).toMatchObject([{ code: 'ERR_READ' }]);
  expect({ bytes, taken: to.taken, wrong: to.wrong, out: lender.out }).toEqual({
    bytes: 100,
    taken: 100,
    wrong: 0,
    out: 0,
  });
});
