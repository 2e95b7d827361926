import type { BufferManagerConfig } from '@millrace/core';
import {
  BufferOptimizer,
  BufferSimulator,
  configOf,
  diurnalTrace,
  steadyTrace,
  type Evidence,
  type OptimizationResult,
  type OptimizationStrategy,
} from '@millrace/observe';
import { describe, expect, test } from 'vitest';
import { Plant, scoreOver } from './plant.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const PERIOD = 2000;
const LOAD = { durationMs: 20_000, ratePerSecond: 1000, meanHeldMs: 20, seed: 3 };

/** Pools ten times too small, and classes that fit badly. */
const MISTUNED: BufferManagerConfig = {
  allocationStrategy: 'pooled',
  maxPoolSize: 2,
  bufferSizes: { small: 16 * KiB, medium: 256 * KiB, large: MiB, huge: 4 * MiB },
};

/** A strategy that always wants the same, and is sure of it. */
function stubborn(maxSize: number, more: Partial<OptimizationResult> = {}): OptimizationStrategy {
  const result: OptimizationResult = {
    strategyName: 'stubborn',
    expectedImprovement: {
      memoryReduction: 0,
      throughputIncrease: 0,
      latencyReduction: 0,
      allocationReduction: 0,
      overallScore: 1,
    },
    changes: [
      {
        parameter: 'pools.small.maxSize',
        oldValue: 64,
        newValue: maxSize,
        impact: 'none that is known',
        risk: 'low',
      },
    ],
    risks: [],
    validation: { valid: true, confidence: 0.9, issues: [], warnings: [], metrics: {} },
    ...more,
  };
  return {
    name: 'stubborn',
    async analyze(manager) {
      return manager.settings.pools.small.maxSize === maxSize ? undefined : result;
    },
    apply: (manager, { changes }) => void manager.configure(configOf(changes)),
    validate: (manager) =>
      manager.settings.pools.small.maxSize === maxSize ? [] : ['the stock is another'],
  };
}

describe('an optimiser with a mis-tuned manager', () => {
  test.each([
    ['steady', () => steadyTrace(LOAD)],
    ['diurnal', () => diurnalTrace({ ...LOAD, dayMs: 5000 })],
  ])('tunes it to a %s load, and is never worse than it was for long', async (_, load) => {
    const plant = new Plant(MISTUNED);
    const untuned = new Plant(MISTUNED, { dryRun: true, strategies: [] });
    await plant.play(load(), PERIOD);
    await untuned.play(load(), PERIOD);
    const both = plant.periods.map((period, index) => [untuned.periods[index]!, period] as const);
    for (const [before, { hitRate, meanMemory }] of both.slice(-3)) {
      expect(hitRate).toBeGreaterThan(before.hitRate);
      expect(hitRate).toBeGreaterThanOrEqual(0.97);
      expect(meanMemory).toBeLessThan(0.8 * before.meanMemory);
    }
    let worse = 0;
    for (const [before, period] of both) {
      worse = scoreOver(before, period) < -0.05 ? worse + 1 : 0;
      expect(worse).toBeLessThanOrEqual(1);
    }
    expect(plant.outcomes()).toContain('kept buffer-size');
  });

  test('writes down what it changed, why, and what came of it', async () => {
    const plant = new Plant(MISTUNED);
    await plant.play(steadyTrace({ ...LOAD, durationMs: 5000 }), PERIOD);
    const [applied, kept] = plant.optimizer.journal;
    expect(plant.optimizer.journal).toEqual(plant.entries);
    expect(applied).toMatchObject({ atMs: PERIOD, outcome: 'applied' });
    expect(applied!.why).toMatch(/hit rate 0\.\d+ to 0\.\d+, mean memory \d+ to \d+ bytes; score/);
    expect(applied!.result!.changes.length).toBeGreaterThan(0);
    for (const { parameter, oldValue, newValue, impact, risk } of applied!.result!.changes) {
      expect(parameter).toMatch(/^(pools|bufferSizes)\./);
      expect(newValue).not.toBe(oldValue);
      expect(impact).not.toBe('');
      expect(['low', 'medium']).toContain(risk);
    }
    expect(kept).toMatchObject({ outcome: 'kept', result: applied!.result, atMs: 2 * PERIOD });
    expect(kept!.measured!.overallScore).toBeGreaterThan(0);
  });

  test.each([
    ['it is a dry run', { dryRun: true }, {}],
    ['the manager does not allow it', {}, { enableOptimization: false }],
  ])('only tells what it would do when %s', async (_, options, config) => {
    const plant = new Plant({ ...MISTUNED, ...config }, options);
    const before = plant.manager.settings;
    await plant.play(steadyTrace(LOAD), PERIOD);
    expect(plant.manager.settings).toEqual(before);
    expect(plant.outcomes()).toContain('proposed buffer-size');
    expect(
      plant.entries.every(({ outcome }) => outcome === 'proposed' || outcome === 'rejected'),
    ).toBe(true);
  });

  test('changes nothing that is of more risk than it may take', async () => {
    const plant = new Plant(MISTUNED, { maxRisk: 'low' });
    await plant.play(steadyTrace({ ...LOAD, durationMs: 5000 }), PERIOD);
    expect(plant.manager.settings.bufferSizes).toEqual(MISTUNED.bufferSizes);
    expect(plant.outcomes()).toContain('rejected buffer-size');
  });
});

describe('a change on trial', () => {
  const play = async (plant: Plant, periods: number, startMs = plant.nowMs): Promise<void> =>
    plant.play(steadyTrace({ ...LOAD, startMs, durationMs: periods * PERIOD + 1 }), PERIOD);

  test('is rolled back when it is worse than the former settings would have been', async () => {
    const plant = new Plant({}, { strategies: [stubborn(1)] });
    await play(plant, 3);
    expect(plant.outcomes().slice(0, 2)).toEqual(['applied stubborn', 'rolled-back stubborn']);
    expect(plant.manager.settings.pools.small.maxSize).toBe(64);
    expect(plant.entries[1]!.measured!.overallScore).toBeLessThan(0);
  });

  test('is not tried again for three periods after that', async () => {
    const plant = new Plant({}, { strategies: [stubborn(1)] });
    await play(plant, 7);
    const at = plant.entries
      .filter(({ outcome }) => outcome === 'applied')
      .map(({ atMs }) => Math.round(atMs / PERIOD));
    expect(at).toEqual([1, 6]);
  });

  test('is dropped when somebody else changes the setting meanwhile', async () => {
    const plant = new Plant({}, { strategies: [stubborn(40)] });
    await play(plant, 1);
    plant.manager.configure({ pools: { small: { maxSize: 50 } } });
    await play(plant, 1);
    expect(plant.outcomes().slice(0, 2)).toEqual(['applied stubborn', 'superseded stubborn']);
    expect(plant.entries[1]!.why).toContain('the stock is another');
  });

  test('is measured for longer when hardly anything happens', async () => {
    const plant = new Plant({}, { strategies: [stubborn(40)] });
    await play(plant, 1);
    expect(plant.outcomes()).toEqual(['applied stubborn']);
    plant.nowMs += PERIOD;
    expect(await plant.optimizer.step()).toEqual([]);
    expect(plant.outcomes()).toEqual(['applied stubborn']);
  });
});

describe('a result', () => {
  const sure = { valid: true, confidence: 0.9, issues: [], warnings: [], metrics: {} };

  test.each([
    ['is not valid', { validation: { ...sure, valid: false, issues: ['No good'] } }, 'No good'],
    ['is not sure', { validation: { ...sure, confidence: 0.8 } }, 'confidence is 0.800'],
  ])('that %s is not applied', async (_, more, why) => {
    const plant = new Plant({}, { strategies: [stubborn(1, more)] });
    await plant.play(steadyTrace({ ...LOAD, durationMs: PERIOD * 3.5 }), PERIOD);
    // Once, and not again each period.
    expect(plant.outcomes()).toEqual(['rejected stubborn']);
    expect(plant.entries[0]!.why).toContain(why);
    expect(plant.manager.settings.pools.small.maxSize).toBe(64);
  });

  test('that a strategy cannot come to, or apply, is written down as failed', async () => {
    const error = new Error('no');
    const throws = (): never => {
      throw error;
    };
    const cannotLook = { ...stubborn(1), name: 'blind', analyze: throws };
    const cannotApply = { ...stubborn(1), apply: throws };
    const plant = new Plant({}, { strategies: [cannotLook, cannotApply] });
    await plant.play(steadyTrace({ ...LOAD, durationMs: PERIOD * 1.5 }), PERIOD);
    expect(plant.entries).toMatchObject([
      { outcome: 'failed', error, why: 'The strategy blind threw' },
      { outcome: 'failed', error, result: { strategyName: 'stubborn' } },
    ]);
  });
});

/** Changes nothing, and keeps what it was shown. */
class Witness implements OptimizationStrategy {
  readonly name = 'witness';
  readonly seen: Evidence[] = [];

  async analyze(_: unknown, evidence: Evidence): Promise<undefined> {
    this.seen.push(evidence);
    return undefined;
  }

  apply(): void {}

  validate(): readonly string[] {
    return [];
  }
}

describe('the evidence of an optimiser', () => {
  test('is what was measured in the period, in the figures of a simulation', async () => {
    const witness = new Witness();
    const plant = new Plant({ defaultPoolSize: 2, maxPoolSize: 5 }, { strategies: [witness] });
    await plant.play(steadyTrace({ ...LOAD, durationMs: PERIOD + 100 }), PERIOD);
    const [evidence] = witness.seen;
    const { measured, trace, settings } = evidence!;
    const simulated = await new BufferSimulator().run(trace, settings);
    const same = ['gets', 'hits', 'hitRate', 'failed', 'peakMemory', 'waits'] as const;
    for (const name of same) expect([name, measured![name]]).toEqual([name, simulated[name]]);
    for (const name of ['meanLatencyMs', 'p99LatencyMs', 'throughput'] as const) {
      expect(measured![name] / simulated[name]).toBeCloseTo(1, 6);
    }
    // What was made before the optimiser came is not its business: two of each class.
    expect(measured!.made).toBe(simulated.made - 8);
    expect(measured!.meanMemory / simulated.meanMemory).toBeCloseTo(1, 1);
  });

  test('begins with each period anew', async () => {
    const witness = new Witness();
    const plant = new Plant({}, { strategies: [witness] });
    await plant.play(steadyTrace({ ...LOAD, durationMs: 3 * PERIOD + 100 }), PERIOD);
    const gets = witness.seen.map(({ measured }) => measured!.gets);
    const all = witness.seen.at(-1)!.trace.filter(({ type }) => type === 'retrieved').length;
    expect(gets).toHaveLength(3);
    expect(gets.reduce((a, b) => a + b)).toBe(all);
    for (const { measured } of witness.seen) expect(measured!.durationMs).toBeCloseTo(PERIOD, 6);
  });

  test('has a trace of late, and in it what is in use from before', async () => {
    const witness = new Witness();
    const plant = new Plant({}, { strategies: [witness], maxTraceEvents: 100 });
    const kept = plant.manager.getBuffer(1000);
    kept.resize(2000);
    plant.manager.getBuffer(3000).release();
    await plant.play(steadyTrace({ ...LOAD, durationMs: PERIOD + 100, startMs: 10 }), PERIOD);
    const [first, second, ...others] = witness.seen[0]!.trace;
    expect(first).toMatchObject({ type: 'retrieved', id: kept.id, size: 2000 });
    expect(first!.timestampMs).toBe(second!.timestampMs);
    expect(first!.timestampMs).toBeGreaterThan(PERIOD / 2);
    expect(others.length).toBeGreaterThan(95);
    expect(others.length).toBeLessThan(200);
    expect(others.filter(({ size }) => size === 3000)).toEqual([]);
    kept.release();
  });
});

describe('an optimiser', () => {
  test('takes a step each period of the manager, until it is stopped', async () => {
    const plant = new Plant(
      { optimizationPeriodMs: 5 },
      { strategies: [stubborn(40)], dryRun: true },
    );
    for (const { size, type } of steadyTrace({ ...LOAD, durationMs: 100 })) {
      if (type === 'retrieved') plant.manager.getBuffer(size).release();
    }
    const entry = new Promise((resolve) => {
      const optimizer = new BufferOptimizer(plant.manager, {
        strategies: [stubborn(40)],
        dryRun: true,
        onEntry(told) {
          optimizer.stop();
          resolve(told);
        },
      });
      plant.manager.onEvent((event) => optimizer.collectEvent(event));
      optimizer.start();
      optimizer.start();
      for (let i = 0; i < 100; i++) plant.manager.getBuffer(100).release();
    });
    // The timer lets the process go, so something must hold it.
    const hold = setInterval(() => {}, 1000);
    expect(await entry).toMatchObject({ outcome: 'proposed' });
    clearInterval(hold);
  });

  test('takes one step at a time', async () => {
    const { optimizer } = new Plant({});
    expect(optimizer.step()).toBe(optimizer.step());
    expect(await optimizer.step()).toEqual([]);
  });

  test.each([
    { memoryBytes: 0 },
    { maxRisk: 'none' as 'low' },
    { minConfidence: 1.1 },
    { maxTraceEvents: 0.5 },
  ])('refuses %o', (options) => {
    expect(() => new Plant({}, options)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
    );
  });
});
