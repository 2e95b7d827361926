/** Alerts: each type once with figures by hand, then hysteresis, cool-down, rules of the user's, handlers. */
import {
  BufferAlerting,
  type BufferAlert,
  type BufferAlertingOptions,
  type BufferSample,
  type BufferThresholds,
  type ClassSample,
} from '@millrace/observe';
import type { BufferClass } from '@millrace/core';
import { expect, test } from 'vitest';
import { sampleAt } from './samples.ts';

interface Case {
  readonly type: BufferAlert['type'];
  readonly of: BufferClass;
  readonly thresholds?: Partial<BufferThresholds>;
  readonly wrong: Partial<ClassSample>;
  readonly severity: BufferAlert['severity'];
  readonly metrics: Record<string, number>;
  readonly suggestion: string;
}

const cases: Case[] = [
  {
    type: 'high-memory-usage',
    of: 'large',
    thresholds: { maxMemoryUsage: 1_000_000 },
    // 3 × 40 960 beside it; 30 buffers, of which no more than 12 were in use.
    wrong: { memoryUsage: 1_000_000, inUse: 10, inStock: 20, recentPeak: 12 },
    severity: 'warning',
    metrics: {
      value: 1_122_880,
      limit: 1_000_000,
      classMemoryUsage: 1_000_000,
      inUse: 10,
      inStock: 20,
    },
    suggestion:
      'Set "pools.large.maxSize" to 12: 20 buffers are in stock, and no more than 12 were in use at once',
  },
  {
    type: 'low-hit-rate',
    of: 'medium',
    thresholds: { minHitRate: 0.9 },
    wrong: { retrieved: 200, hits: 100, maxSize: 8, recentPeak: 40 },
    severity: 'warning',
    metrics: { value: 0.5, limit: 0.9, retrieved: 200, hits: 100 },
    suggestion: 'Set "pools.medium.maxSize" to 40, as so many were in use at once: it is 8',
  },
  {
    type: 'buffer-leak',
    of: 'small',
    thresholds: { maxLeakRate: 0.05 },
    wrong: { inUse: 10, leaked: 2, longestHeldMs: 700 },
    severity: 'error',
    metrics: { value: 0.2, limit: 0.05, leaked: 2, inUse: 10, longestHeldMs: 700 },
    suggestion:
      'Release the 2 buffers of class small that are held, or set "leakAfterMs" to 1400 if they are to be held so long',
  },
  {
    type: 'corruption',
    of: 'huge',
    thresholds: { maxCorruptionRate: 0.01 },
    wrong: { corrupted: 2, returned: 100, validateOnPut: false },
    severity: 'error',
    metrics: { value: 0.02, limit: 0.01, corrupted: 2, returned: 100 },
    suggestion: 'Set "pools.huge.validateOnPut" to true',
  },
  {
    type: 'pool-size',
    of: 'small',
    thresholds: { poolSizeThreshold: 100 },
    wrong: { inUse: 20, inStock: 90, recentPeak: 30 },
    severity: 'warning',
    metrics: { value: 110, limit: 100, inUse: 20, inStock: 90 },
    suggestion: 'Set "pools.small.maxSize" to 30, as no more than 30 were in use at once',
  },
  {
    type: 'exhaustion',
    of: 'medium',
    wrong: { failed: 3, bufferSize: 65_536 },
    severity: 'critical',
    metrics: { value: 3, limit: 0, failed: 3, retrieved: 100, inUse: 5 },
    suggestion:
      'Raise "memory" of the pools by 196608 bytes or more: 3 gets of class medium found none',
  },
];

test.each(cases)(
  'an alert of type $type is told at the first bad sample, once, and again when it is over',
  ({ type, of, thresholds, wrong, severity, metrics, suggestion }) => {
    const told: BufferAlert[] = [];
    const alerting = new BufferAlerting({
      ...(thresholds && { thresholds }),
      handlers: [(alert) => void told.push(alert)],
    });

    expect(alerting.check(sampleAt(1000))).toEqual([]);
    for (const atMs of [2000, 3000, 4000]) alerting.check(sampleAt(atMs, { [of]: wrong }));
    expect(told).toEqual([
      {
        type,
        rule: type,
        severity,
        state: 'raised',
        message: expect.any(String) as string,
        class: of,
        metrics,
        timestamp: 2000,
        suggestions: expect.arrayContaining([suggestion]) as string[],
      },
    ]);
    expect(alerting.active()).toEqual(told);

    alerting.check(sampleAt(5000));
    expect(told).toHaveLength(2);
    expect(told[1]).toMatchObject({
      type,
      class: of,
      state: 'resolved',
      timestamp: 5000,
      suggestions: [],
    });
    expect(alerting.active()).toEqual([]);
  },
);

test('without thresholds, those of the guide hold', () => {
  expect(new BufferAlerting().thresholds).toEqual({
    maxMemoryUsage: 1024 ** 3,
    minHitRate: 0.8,
    maxLeakRate: 0.01,
    maxCorruptionRate: 0.001,
    poolSizeThreshold: 10_000,
  });
});

const impossible: BufferAlertingOptions[] = [
  { thresholds: { minHitRate: 1.5 } },
  { thresholds: { maxMemoryUsage: -1 } },
  { thresholds: { maxLeakRate: Number.NaN } },
  { hysteresis: 2 },
  { cooldownMs: -1 },
  { rules: [{ name: 'none', value: () => 1 }] },
  { rules: [{ name: 'both', above: 1, below: 1, value: () => 1 }] },
  { rules: [{ name: 'over', above: 1, resolvesAt: 2, value: () => 1 }] },
  { rules: [{ name: 'corruption', above: 1, value: () => 1 }] },
];

test.each(impossible)('%j cannot be', (options) => {
  expect(() => new BufferAlerting(options)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
  );
});

test('an alert is over only when the value is back by the hysteresis', () => {
  const alerting = new BufferAlerting({ thresholds: { minHitRate: 0.8 }, hysteresis: 0.5 });
  const at = (atMs: number, hits: number): string[] =>
    alerting.check(sampleAt(atMs, { small: { hits } })).map(({ state }) => state);
  expect(at(1, 79)).toEqual(['raised']);
  expect(at(2, 85)).toEqual([]);
  expect(at(3, 79)).toEqual([]);
  // Halfway from the limit to 1.
  expect(at(4, 90)).toEqual(['resolved']);
});

test('an interval with few gets tells nothing of the hit rate', () => {
  const alerting = new BufferAlerting();
  const none = { small: { retrieved: 19, hits: 0 } };
  expect(alerting.check(sampleAt(1, none))).toEqual([]);
  expect(alerting.check(sampleAt(2, { small: { hits: 10 } }))).toHaveLength(1);
  expect(alerting.check(sampleAt(3, none))).toEqual([]);
  expect(alerting.active()).toHaveLength(1);
});

test('an alert that is over is not raised again within its cool-down, and is after it', () => {
  const alerting = new BufferAlerting({ cooldownMs: 1000 });
  const bad = { small: { failed: 1 } };
  expect(alerting.check(sampleAt(100, bad))).toHaveLength(1);
  expect(alerting.check(sampleAt(200))).toMatchObject([{ state: 'resolved' }]);
  expect(alerting.check(sampleAt(300, bad))).toEqual([]);
  expect(alerting.check(sampleAt(1199, bad))).toEqual([]);
  expect(alerting.check(sampleAt(1200, bad))).toMatchObject([{ state: 'raised' }]);
  expect(alerting.stats()).toMatchObject({ judged: 5, raised: 2, resolved: 1, suppressed: 2 });
});

test('an alert that grows worse is told again, as severer', () => {
  const alerting = new BufferAlerting({ thresholds: { minHitRate: 0.8 } });
  const hits = [70, 60, 30, 30, 70].map((each, atMs) =>
    alerting.check(sampleAt(atMs, { small: { hits: each } })).map(({ severity }) => severity),
  );
  expect(hits).toEqual([['warning'], [], ['error'], [], []]);
});

test('a pool has its part of what is found over the pools of several threads', () => {
  const alerting = new BufferAlerting();
  const small = { pools: 4, hits: 0, maxSize: 8, recentPeak: 42 };
  expect(alerting.check(sampleAt(1, { small }))[0]?.suggestions).toEqual([
    'Set "pools.small.maxSize" to 11, as so many were in use at once: it is 8',
  ]);
});

test('classes are judged apart', () => {
  const alerting = new BufferAlerting();
  const failed = { failed: 1 };
  expect(alerting.check(sampleAt(1, { small: failed, huge: failed }))).toMatchObject([
    { class: 'small' },
    { class: 'huge' },
  ]);
  expect(alerting.check(sampleAt(2, { huge: failed }))).toMatchObject([
    { class: 'small', state: 'resolved' },
  ]);
});

test('a rule of the user raises alerts as the built-in ones do', () => {
  const alerting = new BufferAlerting({
    rules: [
      {
        name: 'all-small',
        severity: 'info',
        above: 8,
        resolvesAt: 6,
        value: ({ classes }) => classes.small.inUse,
        message: (value) => `${value} small ones`,
        suggest: () => ['Set "maxPoolSize" to 9'],
      },
      {
        name: 'each',
        below: 1,
        perClass: true,
        value: ({ classes }, of) => of && classes[of].inUse,
      },
    ],
  });
  expect(alerting.check(sampleAt(1, { small: { inUse: 9 } }))).toEqual([
    {
      type: 'custom',
      rule: 'all-small',
      severity: 'info',
      state: 'raised',
      message: '9 small ones',
      class: undefined,
      metrics: { value: 9, limit: 8 },
      timestamp: 1,
      suggestions: ['Set "maxPoolSize" to 9'],
    },
  ]);
  expect(alerting.check(sampleAt(2, { small: { inUse: 7 } }))).toEqual([]);
  expect(alerting.check(sampleAt(3, { small: { inUse: 6 }, huge: { inUse: 0 } }))).toMatchObject([
    { rule: 'all-small', state: 'resolved' },
    { rule: 'each', class: 'huge', message: 'each is 0 for class huge, below 1' },
  ]);
});

test('a rule of the user is over when the value is back by the hysteresis, unless it says where', () => {
  const value = ({ classes }: BufferSample): number => classes.small.inUse;
  const alerting = new BufferAlerting({
    hysteresis: 0.5,
    rules: [
      { name: 'many', above: 10, value },
      { name: 'few', below: 4, value },
    ],
  });
  const states = [11, 6, 5, 3, 5, 6].map((inUse, atMs) =>
    alerting
      .check(sampleAt(atMs, { small: { inUse } }))
      .map(({ rule, state }) => `${rule} ${state}`),
  );
  expect(states).toEqual([
    ['many raised'],
    [],
    ['many resolved'],
    ['few raised'],
    [],
    ['few resolved'],
  ]);
});

test('a rule that throws harms no other, and is counted', () => {
  const alerting = new BufferAlerting({
    rules: [
      {
        name: 'broken',
        above: 0,
        value() {
          throw new Error('broken');
        },
      },
    ],
  });
  expect(alerting.check(sampleAt(1, { small: { failed: 1 } }))).toMatchObject([
    { type: 'exhaustion' },
  ]);
  expect(alerting.stats().ruleErrors).toBe(1);
  expect(alerting.lastError).toMatchObject({ message: 'broken' });
});

test('a handler that throws or rejects harms no other, and is counted', async () => {
  const told: string[] = [];
  const alerting = new BufferAlerting({
    handlers: [
      () => {
        throw new Error('thrown');
      },
      { handleAlert: () => Promise.reject(new Error('rejected')) },
      ({ type }) => void told.push(type),
    ],
  });
  const end = alerting.addHandler({ handleAlert: ({ state }) => void told.push(state) });
  alerting.check(sampleAt(1, { small: { failed: 1 } }));
  await alerting.settled();
  expect(told).toEqual(['exhaustion', 'raised']);
  expect(alerting.stats()).toMatchObject({ delivered: 2, failed: 2 });

  end();
  alerting.check(sampleAt(2));
  await alerting.settled();
  expect(told).toEqual(['exhaustion', 'raised', 'exhaustion']);
});
