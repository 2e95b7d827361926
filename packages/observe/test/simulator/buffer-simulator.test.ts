import type { BufferManagerConfig } from '@millrace/core';
import {
  BufferSimulator,
  DEFAULT_COSTS,
  burstyTrace,
  steadyTrace,
  type ServeCosts,
  type TraceEvent,
} from '@millrace/observe';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { trace } from './events.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Everything from the stock, which never grows or shrinks by itself. */
const PLAIN: BufferManagerConfig = {
  allocationStrategy: 'pooled',
  pools: {
    small: { growthFactor: 1, shrinkThreshold: 0 },
    medium: { growthFactor: 1, shrinkThreshold: 0 },
    large: { growthFactor: 1, shrinkThreshold: 0 },
    huge: { growthFactor: 1, shrinkThreshold: 0 },
  },
};
const COSTS: ServeCosts = { hitMs: 1, makeMs: (size, direct) => (direct ? 100 : size / KiB) };
const simulator = new BufferSimulator({ costs: COSTS });

describe('a simulated run, counted by hand', () => {
  test('a sample of a load cannot be simulated', async () => {
    const sampled = {
      timestampMs: 0,
      type: 'retrieved',
      id: 1,
      class: 'small',
      size: 1,
      weight: 64,
    };
    await expect(new BufferSimulator().run([sampled as TraceEvent])).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG',
    });
  });

  test('has a miss for each buffer that is new, and a hit for each that comes again', async () => {
    const run = await simulator.run(
      trace(
        [0, 'get', 1, 1000],
        [1, 'get', 2, 4000],
        [2, 'return', 1],
        [3, 'get', 3, 4096],
        [5, 'return', 2],
        [10, 'return', 3],
      ),
      PLAIN,
    );
    expect(run).toEqual({
      durationMs: 10,
      gets: 3,
      hits: 1,
      hitRate: 1 / 3,
      failed: 0,
      made: 2,
      peakMemory: 8 * KiB,
      // 4 KiB for the first of ten milliseconds, 8 KiB for nine.
      meanMemory: 7.6 * KiB,
      waits: 0,
      waitedMs: 0,
      longestWaitMs: 0,
      // Each 1; the two that were made 4 more.
      meanLatencyMs: 11 / 3,
      p99LatencyMs: expect.closeTo(5, 1),
      throughput: (3 * 1000) / 11,
      parts: [],
    });
  });

  test('gives up what has no place in the stock', async () => {
    const events = trace(
      [0, 'get', 1, 5 * KiB],
      [0, 'get', 2, 5 * KiB],
      [4, 'return', 1],
      [6, 'return', 2],
      [8, 'get', 3, 5 * KiB],
      [8, 'get', 4, 5 * KiB],
      [8, 'return', 3],
      [8, 'return', 4],
    );
    const tight = await simulator.run(events, { ...PLAIN, maxPoolSize: 1 });
    expect(tight).toMatchObject({ gets: 4, hits: 1, made: 3, peakMemory: 128 * KiB });
    // Two for 6 of 8 ms, one for 2.
    expect(tight.meanMemory).toBe(112 * KiB);
    const roomy = await simulator.run(events, PLAIN);
    expect(roomy).toMatchObject({ gets: 4, hits: 2, made: 2, meanMemory: 128 * KiB });
  });

  test('counts what is made beforehand and by growth, as it is made', async () => {
    const events = trace(
      [0, 'get', 1, 1],
      [0, 'get', 2, 1],
      [0, 'get', 3, 1],
      [0, 'get', 4, 1],
      [1, 'return', 1],
    );
    const stocked = { small: { initialSize: 3, growthFactor: 1 } };
    const beforehand = await simulator.run(events, { ...PLAIN, pools: stocked });
    expect(beforehand).toMatchObject({ gets: 4, hits: 3, made: 4, peakMemory: 16 * KiB });
    // The first and the second make one each; the third two, as two are in use, and the fourth gets one of these.
    const doubling = { small: { growthFactor: 2 } };
    const grown = await simulator.run(events, { ...PLAIN, pools: doubling });
    expect(grown).toMatchObject({ gets: 4, hits: 1, made: 4 });
  });

  test('takes slots as slices do, and private memory to the byte', async () => {
    const events = trace([0, 'get', 1, 70_000], [1, 'return', 1], [2, 'get', 2, 70_000]);
    const sizes = { small: 1 * KiB, medium: 2 * KiB, large: 100 * KiB };
    const pooled = await simulator.run(events, { ...PLAIN, bufferSizes: sizes });
    expect(pooled).toMatchObject({ hits: 1, peakMemory: 128 * KiB });
    const direct = await simulator.run(events, { allocationStrategy: 'direct' });
    expect(direct).toMatchObject({ hits: 0, made: 2, peakMemory: 70_000, meanMemory: 35_000 });
    expect(direct.meanLatencyMs).toBe(101);
  });

  test('lets those wait that find no memory, and gives theirs back later by as much', async () => {
    const short = new BufferSimulator({ costs: COSTS, memoryBytes: 4 * MiB });
    const run = await short.run(
      trace(
        [0, 'get', 1, 4 * MiB],
        [2, 'get', 2, 4 * MiB],
        [3, 'get', 3, 4 * MiB],
        [5, 'return', 2],
        [10, 'return', 1],
        [11, 'return', 3],
      ),
      PLAIN,
    );
    // The second waits from 2 to 10 and is held for 3; the third waits from 3 to 13, and until 21.
    expect(run).toMatchObject({ gets: 3, hits: 2, waits: 2, waitedMs: 18, longestWaitMs: 10 });
    expect(run).toMatchObject({ durationMs: 21, peakMemory: 4 * MiB, failed: 0 });
    expect(run.meanLatencyMs).toBe((18 + 3 + 4096) / 3);
    expect(run.throughput).toBe(3000 / (3 + 4096));
  });

  test('returns later what was served later, when the trace returns it after that', async () => {
    const short = new BufferSimulator({ costs: COSTS, memoryBytes: 4 * MiB });
    const events = trace(
      [0, 'get', 1, 4 * MiB],
      [1, 'get', 2, 4 * MiB],
      [4, 'return', 1],
      [9, 'return', 2],
    );
    // Served at 4 instead of 1: back at 12 instead of 9.
    expect(await short.run(events, PLAIN)).toMatchObject({ durationMs: 12, waits: 1, waitedMs: 3 });
  });

  test('lets small ones pass a large one that waits', async () => {
    const short = new BufferSimulator({ costs: COSTS, memoryBytes: 4 * MiB });
    const run = await short.run(
      trace(
        ...[1, 2, 3, 4].map((id) => [0, 'get', id, MiB] as const),
        [0, 'get', 5, 4 * MiB],
        [1, 'get', 6, MiB],
        [3, 'return', 1],
        [4, 'return', 2],
        [4, 'return', 3],
        [4, 'return', 4],
        [5, 'return', 6],
        [6, 'return', 5],
      ),
      PLAIN,
    );
    // The last waits from 1 to 3 and is held for 4; the large one waits for it until 7, and is held for 6.
    expect(run).toMatchObject({ gets: 6, waits: 2, waitedMs: 2 + 7, durationMs: 13, failed: 0 });
  });

  test('fails what is never served', async () => {
    const short = new BufferSimulator({ costs: COSTS, memoryBytes: 4 * MiB });
    const events = trace([0, 'get', 1, 4 * MiB], [1, 'get', 2, 4 * MiB], [2, 'get', 3, 5 * MiB]);
    expect(await short.run(events, PLAIN)).toMatchObject({ gets: 1, failed: 2, waits: 0 });
  });

  test('resizes in place where there is room, and else gets another', async () => {
    const events = trace([0, 'get', 1, 1000], [1, 'resize', 1, 4000], [2, 'return', 1]);
    expect(await simulator.run(events, PLAIN)).toMatchObject({ gets: 1, made: 1 });
    const larger = trace([0, 'get', 1, 1000], [1, 'resize', 1, 5000], [2, 'return', 1]);
    expect(await simulator.run(larger, PLAIN)).toMatchObject({ gets: 2, made: 2 });
  });

  test('ignores what the manager of the trace made, and returns of what is not known', async () => {
    const of = { id: 5, class: 'small', size: 4096 } as const;
    const events = [
      { timestampMs: 0, type: 'allocated', ...of },
      { timestampMs: 1, type: 'returned', ...of },
      { timestampMs: 2, type: 'destroyed', ...of },
    ] as const;
    expect(await simulator.run(events, PLAIN)).toMatchObject({ gets: 0, made: 0, hitRate: 1 });
  });

  test('tries a get that failed in the trace, and returns it at once', async () => {
    const failed = { ...trace([0, 'get', 0, 100])[0]!, failed: true } as const;
    expect(await simulator.run([failed, failed], PLAIN)).toMatchObject({ gets: 2, hits: 1 });
  });

  test('takes it that a buffer came back which is handed out again', async () => {
    const events = trace([0, 'get', 1, 100], [1, 'get', 1, 100], [2, 'return', 1]);
    expect(await simulator.run(events, PLAIN)).toMatchObject({ gets: 2, hits: 1, made: 1 });
  });

  test('shrinks as the manager does, by the clock of the trace', async () => {
    const events = trace(
      ...Array.from({ length: 10 }, (_, id) => [0, 'get', id, 100] as const),
      ...Array.from({ length: 10 }, (_, id) => [1, 'return', id] as const),
      ...Array.from(
        { length: 40 },
        (_, i) => [1000 * (i + 1), 'get', 100 + i, 100] as const,
      ).flatMap((get) => [get, [get[0], 'return', get[2]] as const]),
    );
    const pools = { small: { growthFactor: 1, shrinkThreshold: 0.3 } };
    const shrinks = await simulator.run(events, { ...PLAIN, pools });
    expect(shrinks.peakMemory).toBe(40 * KiB);
    // After ten upkeeps without more than one in use, one is left for the rest of the time.
    expect(shrinks.meanMemory).toBeLessThan(15 * KiB);
    expect((await simulator.run(events, PLAIN)).meanMemory).toBe(40 * KiB);
  });
});

describe('a run that is counted from a time on', () => {
  const events = trace(
    [0, 'get', 1, 100],
    [0, 'get', 2, 100],
    [1, 'return', 1],
    [6, 'get', 3, 100],
    [10, 'return', 3],
  );

  test('replays what was before, so that the pools are warm', async () => {
    const run = await simulator.run(events, PLAIN, { sinceMs: 5, partMs: 2 });
    expect(run).toMatchObject({ durationMs: 5, gets: 1, hits: 1, made: 0, meanMemory: 8 * KiB });
    expect(run.parts.map(({ gets }) => gets)).toEqual([1, 0, 0]);
  });

  test('counts all when the time is before the first', async () => {
    const run = await simulator.run(events, PLAIN, { sinceMs: -1 });
    expect(run).toEqual(await simulator.run(events, PLAIN));
  });
});

describe('the parts of a run', () => {
  test('are as long as was said, and add up to it', async () => {
    const events = [...burstyTrace({ durationMs: 10_000, ratePerSecond: 200, seed: 5 })];
    const { parts, ...whole } = await simulator.run(events, {}, { partMs: 1000 });
    expect(parts.length).toBeGreaterThanOrEqual(10);
    for (const { durationMs } of parts.slice(0, -1)) expect(durationMs).toBeCloseTo(1000, 6);
    for (const name of ['durationMs', 'gets', 'hits', 'made', 'failed'] as const) {
      const sum = parts.reduce((total, part) => total + part[name], 0);
      expect(sum).toBeCloseTo(whole[name], 6);
    }
    expect(Math.max(...parts.map(({ peakMemory }) => peakMemory))).toBe(whole.peakMemory);
    const byteMs = parts.reduce((sum, part) => sum + part.meanMemory * part.durationMs, 0);
    expect(byteMs / whole.durationMs).toBeCloseTo(whole.meanMemory, 3);
  });
});

describe('a simulator', () => {
  test('comes to the same twice', async () => {
    const events = [...steadyTrace({ durationMs: 2000, ratePerSecond: 500 })];
    const config = { maxPoolSize: 3 };
    expect(await simulator.run(events, config, { partMs: 100 })).toEqual(
      await simulator.run(events, config, { partMs: 100 }),
    );
  });

  test('lets others have their turn', async () => {
    const events = [...steadyTrace({ durationMs: 20_000, ratePerSecond: 1000 })];
    let turns = 0;
    let over = false;
    const count = (): void => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    await simulator.run(events, PLAIN);
    over = true;
    expect(turns).toBeGreaterThan(3);
  });

  test('does not make more hits from less stock', async () => {
    const anyTrace = fc
      .array(
        fc.record({ gap: fc.nat(5), held: fc.nat(30), size: fc.integer({ min: 1, max: MiB }) }),
        {
          maxLength: 60,
        },
      )
      .map((uses) => {
        let ms = 0;
        const steps = uses.flatMap(({ gap, held, size }, id) => {
          ms += gap;
          return [[ms, 'get', id, size] as const, [ms + held, 'return', id] as const];
        });
        return trace(...steps.sort(([a], [b]) => a - b));
      });
    await fc.assert(
      fc.asyncProperty(anyTrace, fc.nat(6), fc.nat(6), async (events, stock, more) => {
        const run = (maxPoolSize: number) => simulator.run(events, { ...PLAIN, maxPoolSize });
        const [less, roomy] = [await run(stock), await run(stock + more)];
        expect(roomy.hits).toBeGreaterThanOrEqual(less.hits);
        expect(roomy.gets).toBe(less.gets);
        // What is not a hit was made, since nothing is made beforehand.
        expect(less.made).toBe(less.gets - less.hits);
        expect(less.peakMemory).toBeLessThanOrEqual(roomy.peakMemory);
      }),
    );
  });

  test('serves nothing that fails, and fails nothing that it serves, however short memory is', async () => {
    const events = [
      ...burstyTrace({ durationMs: 5000, ratePerSecond: 300, meanHeldMs: 40, seed: 2 }),
    ];
    const gets = events.filter(({ type }) => type === 'retrieved').length;
    let before = Infinity;
    for (const memoryBytes of [4 * MiB, 8 * MiB, 32 * MiB, Infinity]) {
      const run = await new BufferSimulator({ memoryBytes }).run(events, PLAIN);
      expect(run.gets + run.failed).toBe(gets);
      expect(run.peakMemory).toBeLessThanOrEqual(memoryBytes);
      expect(run.waitedMs).toBeLessThanOrEqual(before);
      before = run.waitedMs;
    }
    expect(before).toBe(0);
  });

  test('has costs that depend on what is made', () => {
    const { hitMs, makeMs } = DEFAULT_COSTS;
    expect(hitMs).toBe(0.0005);
    expect(makeMs(MiB, false)).toBe(0.001);
    expect(makeMs(MiB, true)).toBeCloseTo(0.203, 9);
  });

  test('refuses what it cannot simulate', async () => {
    const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARG' });
    expect(() => new BufferSimulator({ memoryBytes: 0 })).toThrow(invalid);
    await expect(simulator.run([], {}, { partMs: Number.NaN })).rejects.toThrow(invalid);
    await expect(simulator.run([], { maxPoolSize: -1 })).rejects.toThrow(invalid);
  });
});
