import { checkedManagerConfig, type BufferManager, type BufferManagerConfig } from '@millrace/core';
import {
  AllocationStrategy,
  BufferSizeStrategy,
  Evidence,
  PoolSizeStrategy,
  type EvidenceOptions,
  type OptimizationResult,
  type OptimizationStrategy,
  type TraceEvent,
} from '@millrace/observe';
import { describe, expect, test } from 'vitest';
import { run } from '../simulator/events.ts';
import { Plant } from './plant.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

const POOLED: BufferManagerConfig = { allocationStrategy: 'pooled' };
/** Two of what is used stay in stock. */
const TIGHT: BufferManagerConfig = {
  ...POOLED,
  maxPoolSize: 2,
  pools: { small: { growthFactor: 1 } },
};
const COSTS = { hitMs: 0.001, makeMs: (_: number, direct: boolean) => (direct ? 0.1 : 0.01) };

/** `count` buffers of `size` bytes at once, all for 10 ms of each 20. */
function waves(count: number, size: number, waveCount = 100): TraceEvent[] {
  const events: TraceEvent[] = [];
  for (let wave = 0; wave < waveCount; wave++) {
    for (const [type, offMs] of [
      ['retrieved', 0],
      ['returned', 10],
    ] as const) {
      for (let i = 0; i < count; i++) {
        const id = wave * count + i;
        events.push({ timestampMs: wave * 20 + offMs, type, id, class: 'small', size });
      }
    }
  }
  return events;
}

function evidence(
  trace: readonly TraceEvent[],
  config: BufferManagerConfig,
  more: Partial<EvidenceOptions> = {},
): Evidence {
  const settings = checkedManagerConfig(config);
  return new Evidence({ trace, settings, memoryBytes: 256 * MiB, costs: COSTS, ...more });
}

const { manager } = new Plant({});

function analyze(
  strategy: OptimizationStrategy,
  of: Evidence,
  by: BufferManager = manager,
): Promise<OptimizationResult | undefined> {
  return strategy.analyze(by, of);
}

function values({ changes }: OptimizationResult): Record<string, unknown> {
  return Object.fromEntries(changes.map(({ parameter, newValue }) => [parameter, newValue]));
}

describe('pool sizes', () => {
  test('become as large as what is in use at once', async () => {
    const tight = evidence(waves(12, 1000), TIGHT);
    const result = await analyze(new PoolSizeStrategy(), tight);
    expect(values(result!)['pools.small.maxSize']).toBe(12);
    expect(result).toMatchObject({
      strategyName: 'pool-size',
      risks: [],
      validation: { valid: true, issues: [] },
    });
    const { metrics, confidence } = result!.validation;
    expect(metrics).toMatchObject({ gets: 1080, parts: 10 });
    expect(metrics['hitRateBefore']).toBeLessThan(0.2);
    expect(metrics['hitRateAfter']).toBeGreaterThan(0.98);
    expect(metrics['meanMemoryAfter']).toBeGreaterThan(metrics['meanMemoryBefore']!);
    expect(metrics['peakMemoryAfter']).toBeGreaterThanOrEqual(12 * 4 * KiB);
    expect(metrics['meanLatencyMsAfter']).toBeLessThan(metrics['meanLatencyMsBefore']!);
    const consistent = (metrics['partsBetter']! + 1) / 12;
    expect(confidence).toBeCloseTo((1080 / 1130) * consistent, 12);
    expect(result!.expectedImprovement.allocationReduction).toBeGreaterThan(0.9);
    expect(result!.expectedImprovement.overallScore).toBeGreaterThan(0.3);
  });

  test('have no place for gets that failed, nor for buffers whose return is not told of', async () => {
    const trace = waves(12, 1000).flatMap((event) => {
      if (event.type === 'retrieved') return [event, { ...event, id: 0, failed: true as const }];
      // Of three in four it is not; each is handed out again in the next wave.
      return event.id % 12 < 9 ? [] : [event];
    });
    const again = trace.map((event) => ({ ...event, id: event.failed ? 0 : 1 + (event.id % 12) }));
    const result = await analyze(new PoolSizeStrategy(), evidence(again, TIGHT));
    expect(values(result!)['pools.small.maxSize']).toBe(12);
  });

  test('shrink where a stock beforehand is far too large', async () => {
    const loose = evidence(waves(3, 1000), { ...POOLED, defaultPoolSize: 60 });
    const result = await analyze(new PoolSizeStrategy(), loose);
    const { 'pools.small.maxSize': maxSize, 'pools.small.initialSize': initialSize } = values(
      result!,
    );
    expect(maxSize).toBe(3);
    expect(initialSize).toBeLessThanOrEqual(3);
    expect(result!.expectedImprovement.memoryReduction).toBeGreaterThan(0.5);
  });

  test.each([
    ['fit', POOLED, waves(4, 1000), { growthFactor: 1, maxSize: 4 }],
    ['serve nothing', { allocationStrategy: 'direct' as const }, waves(4, 1000), {}],
    ['are not used', POOLED, [], {}],
  ])('stay as they are when they %s', async (_, config, trace, small) => {
    const fitting = evidence(trace, { ...config, pools: { small } });
    expect(await analyze(new PoolSizeStrategy(), fitting)).toBeUndefined();
  });
});

describe('buffer sizes', () => {
  test('become those that fit what is asked for', async () => {
    const trace = [...waves(4, 20 * KiB, 50), ...waves(4, 100 * KiB, 50)]
      .map((event, index) => ({ ...event, id: event.size * 1000 + event.id, index }))
      .sort((a, b) => a.timestampMs - b.timestampMs || a.index - b.index);
    const result = await analyze(new BufferSizeStrategy(), evidence(trace, POOLED));
    const sizes = Object.values(values(result!));
    expect(sizes).toContain(32 * KiB);
    expect(sizes).toContain(128 * KiB);
    // 64 KiB and 1 MiB before.
    expect(result!.expectedImprovement.memoryReduction).toBeGreaterThan(0.7);
    expect(result!.risks.length).toBeGreaterThan(0);
    expect(result!.risks[0]).toMatch(/^bufferSizes\.\w+, of medium risk: makes \w+ buffers of \d+/);
  });

  test('stay as they are when they fit, or nothing comes from the stock', async () => {
    const small = { small: { growthFactor: 1, maxSize: 4 } };
    const fits = evidence(waves(4, 4 * KiB), { ...POOLED, pools: small });
    expect(await analyze(new BufferSizeStrategy(), fits)).toBeUndefined();
    const direct = evidence(waves(4, 20 * KiB), { allocationStrategy: 'direct' });
    expect(await analyze(new BufferSizeStrategy(), direct)).toBeUndefined();
  });

  test('leave the bound of `hybrid` where it is', async () => {
    const plant = new Plant({});
    const result = await analyze(
      new BufferSizeStrategy(),
      evidence(waves(4, 20 * KiB), {}),
      plant.manager,
    );
    new BufferSizeStrategy().apply(plant.manager, result!);
    expect(plant.manager.settings.poolThreshold).toBe(MiB);
    expect(new BufferSizeStrategy().validate(plant.manager, result!)).toEqual([]);
    plant.manager.configure({ bufferSizes: { large: 33 * KiB } });
    expect(new BufferSizeStrategy().validate(plant.manager, result!).join()).toMatch(
      /large is 33792, not 32768/,
    );
  });
});

describe('allocation', () => {
  test('takes from the stock what is used again and again', async () => {
    const result = await analyze(new AllocationStrategy(), evidence(waves(3, 2 * MiB), {}));
    expect(values(result!)).toMatchObject({ poolThreshold: 4 * MiB });
    expect(result!.changes).toMatchObject([
      { parameter: 'poolThreshold', oldValue: MiB, risk: 'medium' },
    ]);
    expect(result!.changes[0]!.impact).toBe(
      `serves up to ${4 * MiB} bytes from the stock, and more from private memory`,
    );
  });

  test('takes from private memory what is seldom used, which is of high risk for those who had slices', async () => {
    const large = waves(1, 2 * MiB, 2).map((event) => ({ ...event, id: -1 - event.id }));
    const trace = [
      ...large,
      ...waves(3, 1000).map((event) => ({ ...event, timestampMs: event.timestampMs + 50 })),
    ];
    const result = await analyze(new AllocationStrategy(), evidence(trace, POOLED));
    expect(values(result!)['allocationStrategy']).toBe('hybrid');
    expect(result!.changes.find(({ parameter }) => parameter === 'allocationStrategy')!.risk).toBe(
      'high',
    );
    expect(result!.risks.join()).toContain('takes buffers hybrid');
  });

  test.each([
    ['zero-copy', { allocationStrategy: 'zero-copy' as const }],
    ['without pools', { enablePooling: false }],
  ])('is left alone %s', async (_, config) => {
    const of = evidence(waves(3, 2 * MiB), config);
    expect(await analyze(new AllocationStrategy(), of)).toBeUndefined();
  });
});

describe('evidence', () => {
  test('is not enough when hardly anything was got', async () => {
    const result = await analyze(new PoolSizeStrategy(), evidence(waves(12, 1000, 9), TIGHT));
    expect(result!.validation).toMatchObject({
      valid: false,
      issues: ['The trace has 96 gets, and 100 are needed'],
    });
  });

  test('is not believed when the simulation does not come to what was measured', async () => {
    const measured = run({ gets: 1200, hits: 1080, hitRate: 0.9 });
    const result = await analyze(
      new PoolSizeStrategy(),
      evidence(waves(12, 1000), TIGHT, { measured }),
    );
    const { valid, issues, confidence } = result!.validation;
    expect(valid).toBe(false);
    expect(issues[0]).toMatch(/^The simulated hit rate is 0\.\d+ off what was measured$/);
    expect(confidence).toBeLessThan(0.3);
  });

  test('tells how much a stock may take, by the part of the memory', async () => {
    const risk = async (count: number, size: number): Promise<string> => {
      const of = evidence(waves(count, size, 30), TIGHT, { memoryBytes: 64 * MiB });
      const { change, ...trial } = await of.try({ pools: { large: { maxSize: count } } });
      const { changes } = await of.result('by hand', { change, ...trial });
      return changes[0]!.risk;
    };
    expect(await risk(3, MiB)).toBe('low');
    expect(await risk(12, MiB)).toBe('medium');
    expect(await risk(32, MiB)).toBe('high');
    expect(await risk(33, MiB)).toBe('critical');
  });

  test('warns of a peak that grows, and of parts that gain nothing', async () => {
    const of = evidence(waves(12, 1000), TIGHT);
    const trial = await of.try({ pools: { small: { initialSize: 60, maxSize: 64 } } });
    const { warnings, issues } = (await of.result('by hand', trial)).validation;
    expect(warnings[0]).toMatch(/^Peak memory goes from \d+ to \d+ bytes$/);
    const worse = await of.try({ pools: { small: { maxSize: 0 } } });
    const result = await of.result('by hand', worse);
    expect(result.validation.issues).toContain('The simulation shows no gain');
    expect(result.validation.warnings.join()).toContain('parts of the trace gain nothing');
    expect(issues).toEqual([]);
  });
});
