import { PerformanceEvaluator, costsOf, type TraceEvent } from '@millrace/observe';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { run, trace } from './events.ts';

const evaluator = new PerformanceEvaluator();

const BEFORE = run({ meanMemory: 1000, throughput: 100, meanLatencyMs: 8, made: 50 });
const AFTER = run({ meanMemory: 750, throughput: 200, meanLatencyMs: 2, made: 10 });

describe('what one run gains over another', () => {
  test('is counted field by field', () => {
    expect(evaluator.compare(BEFORE, AFTER)).toEqual({
      memoryReduction: 0.25,
      throughputIncrease: 1,
      latencyReduction: 0.75,
      allocationReduction: expect.closeTo(0.8, 12),
      // Of service: 10 ms before, 5 after.
      overallScore: expect.closeTo(0.3 * 0.25 + 0.3 * 0.8 + 0.2 * 0.75 + 0.2 * 0.5, 12),
    });
  });

  test('is negative where it loses', () => {
    const loss = evaluator.compare(AFTER, BEFORE);
    expect(loss.memoryReduction).toBeCloseTo(-1 / 3, 12);
    expect(loss.throughputIncrease).toBe(-0.5);
    expect(loss.latencyReduction).toBe(-3);
    expect(loss.allocationReduction).toBeCloseTo(-4, 12);
  });

  test('is all of it where there was nothing before', () => {
    const idle = run({ meanMemory: 0, throughput: 0, meanLatencyMs: 0, made: 0 });
    expect(evaluator.compare(idle, AFTER)).toMatchObject({
      memoryReduction: -1,
      throughputIncrease: 1,
      latencyReduction: -1,
      allocationReduction: -1,
    });
  });

  test('is nothing for the same, and for runs in which nothing happened', () => {
    const none = {
      memoryReduction: -0,
      throughputIncrease: 0,
      latencyReduction: -0,
      allocationReduction: -0,
      overallScore: 0,
    };
    expect(evaluator.compare(AFTER, AFTER)).toEqual(none);
    const nothing = run({ gets: 0, hits: 0 });
    expect(evaluator.compare(nothing, nothing)).toEqual(none);
  });

  test('does not count allocations that are rare anyway', () => {
    const [few, fewer] = [run({ gets: 10_000, made: 100 }), run({ gets: 10_000, made: 2 })];
    const { allocationReduction, overallScore } = evaluator.compare(few, fewer);
    expect(allocationReduction).toBeCloseTo(0.98, 12);
    expect(overallScore).toBe(0);
    const more = run({ gets: 10_000, made: 400 });
    expect(evaluator.compare(more, fewer).overallScore).toBeCloseTo(
      (0.3 * (0.04 - 0.01)) / 0.04,
      12,
    );
  });

  test('is half a matter of gets that failed, where some did', () => {
    const failing = { ...BEFORE, failed: 25, gets: 75, made: 37.5 };
    expect(evaluator.compare(failing, BEFORE).overallScore).toBeCloseTo(0.5, 2);
    const seldom = { ...BEFORE, failed: 1, gets: 999, made: 499.5 };
    expect(evaluator.compare(seldom, BEFORE).overallScore).toBeCloseTo(0.05, 2);
  });

  test('is as much the one way as it is lost the other way, and never more than 1', () => {
    const figure = fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1e9, noNaN: true }));
    const anyRun = fc
      .record({
        meanMemory: figure,
        throughput: figure,
        meanLatencyMs: figure,
        made: fc.nat(),
        failed: fc.nat(9),
      })
      .map(run);
    fc.assert(
      fc.property(anyRun, anyRun, (one, other) => {
        const { overallScore } = evaluator.compare(one, other);
        expect(overallScore).toBeCloseTo(-evaluator.compare(other, one).overallScore, 9);
        expect(Math.abs(overallScore)).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });
});

describe('the costs of a trace', () => {
  const hit = (durationMs: number): TraceEvent => ({
    ...trace([0, 'get', 1, 100])[0]!,
    durationMs,
  });
  const make: TraceEvent = { ...hit(900), type: 'allocated' };

  test('are those by default, times so much as a get from the stock takes longer', () => {
    const events = [...Array.from({ length: 20 }, () => hit(0.001)), make, hit(1000), hit(0.001)];
    const { hitMs, makeMs } = costsOf(events);
    expect(hitMs).toBe(0.001);
    expect(makeMs(4096, false)).toBe(0.002);
    expect(makeMs(0, true)).toBe(0.006);
  });

  test('are those by default when it tells too little', () => {
    expect(costsOf(Array.from({ length: 19 }, () => hit(5))).hitMs).toBe(0.0005);
    expect(costsOf(Array.from({ length: 30 }, () => hit(0))).hitMs).toBe(0.0005);
    expect(costsOf(trace([0, 'get', 1, 1])).hitMs).toBe(0.0005);
  });
});
