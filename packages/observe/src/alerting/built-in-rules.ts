/**
 * The built-in rules: one for each threshold of the guide, and one for gets that found no memory.
 *
 * Each suggestion names a setting and the value that the figures of the sample ask for.
 */
import { BUFFER_CLASSES, type BufferClass } from '@millrace/core';
import { classRule, type AlertRule, type Bounds } from './alert-rule.js';
import type { BufferSample } from './buffer-sample.js';
import type { BufferThresholds } from './thresholds.js';

/** Room above what is found, where a limit is to be raised. */
const ROOM = 1.25;
/** Of fewer gets, a hit rate tells nothing: the first buffers of a pool are never in stock. */
const FEWEST_GETS = 20;

/** @param hysteresis how far beyond its limit a value must be back, as a part of the limit; of a rate that is to be high, of the rest of it */
export function builtInRules(thresholds: BufferThresholds, hysteresis: number): AlertRule[] {
  const above = (limit: number): Bounds => ({
    breach: 'above',
    limit,
    resolvesAt: limit * (1 - hysteresis),
  });
  const below = (limit: number): Bounds => ({
    breach: 'below',
    limit,
    resolvesAt: limit + hysteresis * (1 - limit),
  });
  return [
    memoryRule(above(thresholds.maxMemoryUsage)),
    hitRateRule(below(thresholds.minHitRate)),
    leakRule(above(thresholds.maxLeakRate)),
    corruptionRule(above(thresholds.maxCorruptionRate)),
    poolSizeRule(above(thresholds.poolSizeThreshold)),
    exhaustionRule(above(0)),
  ];
}

function memoryRule(bounds: Bounds): AlertRule {
  const { limit } = bounds;
  return {
    name: 'high-memory-usage',
    type: 'high-memory-usage',
    perClass: false,
    ...bounds,
    find(sample) {
      const largest = largestOf(sample);
      const { memoryUsage, inUse, inStock } = sample.classes[largest];
      const metrics = { classMemoryUsage: memoryUsage, inUse, inStock };
      return { value: sample.memoryUsage, metrics, class: largest };
    },
    severity: (value) =>
      value > 1.5 * limit ? 'critical' : value > ROOM * limit ? 'error' : 'warning',
    message: ({ value, class: largest }) =>
      `Buffers take ${value} bytes, more than "maxMemoryUsage" of ${limit}; the pool of class ${largest} has most of it`,
    suggest(sample) {
      const largest = largestOf(sample);
      const { inStock, recentPeak, pools } = sample.classes[largest];
      if (inStock > recentPeak) {
        return [
          `Set "pools.${largest}.maxSize" to ${each(recentPeak, pools)}: ${inStock} buffers are in stock, and no more than ${recentPeak} were in use at once`,
        ];
      }
      const enough = Math.ceil(sample.memoryUsage * ROOM);
      return [`Set "maxMemoryUsage" to ${enough} if so much may be in use, as nearly all of it is`];
    },
  };
}

function hitRateRule(bounds: Bounds): AlertRule {
  const { limit } = bounds;
  return classRule('low-hit-rate', bounds, {
    find({ retrieved, hits }) {
      if (retrieved < FEWEST_GETS) return undefined;
      return { value: hits / retrieved, metrics: { retrieved, hits } };
    },
    severity: (value) => (value < limit / 2 ? 'error' : 'warning'),
    message: (value, of) =>
      `${percent(value)} of the gets of class ${of} were served from the stock, less than "minHitRate" of ${percent(limit)}`,
    suggest(figures, of) {
      const { maxSize, initialSize, retrieved, hits, pools } = figures;
      const peak = each(figures.recentPeak, pools);
      if (maxSize < peak) {
        return [
          `Set "pools.${of}.maxSize" to ${peak}, as so many were in use at once: it is ${maxSize}`,
        ];
      }
      const enough = Math.max(peak, initialSize + each(retrieved - hits, pools));
      const most = Math.max(enough, maxSize);
      return [
        `Set "pools.${of}.initialSize" to ${enough}${most > maxSize ? ` and "pools.${of}.maxSize" to ${most}` : ''}, so that they are there before they are needed: it is ${initialSize}`,
      ];
    },
  });
}

function leakRule(bounds: Bounds): AlertRule {
  const { limit } = bounds;
  return classRule('buffer-leak', bounds, {
    find({ leaked, inUse, longestHeldMs }) {
      // Those beside the pool are not among the ones in use there.
      const value = leaked === 0 ? 0 : leaked / Math.max(leaked, inUse);
      return { value, metrics: { leaked, inUse, longestHeldMs } };
    },
    severity: (value) => (value > 10 * limit && value > 0.5 ? 'critical' : 'error'),
    message: (value, of) =>
      `${percent(value)} of the buffers of class ${of} in use have been so for longer than "leakAfterMs", more than "maxLeakRate" of ${percent(limit)}`,
    suggest: ({ leaked, longestHeldMs }, of) => [
      `Release the ${leaked} buffers of class ${of} that are held, or set "leakAfterMs" to ${Math.ceil(longestHeldMs * 2)} if they are to be held so long`,
    ],
  });
}

function corruptionRule(bounds: Bounds): AlertRule {
  const { limit } = bounds;
  return classRule('corruption', bounds, {
    find({ corrupted, returned }) {
      const value = corrupted / Math.max(1, returned, corrupted);
      return { value, metrics: { corrupted, returned } };
    },
    severity: (value) => (value > 10 * limit ? 'critical' : 'error'),
    message: (value, of) =>
      `${percent(value)} of the buffers of class ${of} that came back were unfit, more than "maxCorruptionRate" of ${percent(limit)}`,
    suggest({ validateOnGet, validateOnPut }, of) {
      const off = [];
      if (!validateOnPut) off.push(`Set "pools.${of}.validateOnPut" to true`);
      if (!validateOnGet) off.push(`Set "pools.${of}.validateOnGet" to true`);
      return [
        ...off,
        'Set "safety" of the pools to "full": that tells who writes beyond a slice, or after its release',
      ];
    },
  });
}

function poolSizeRule(bounds: Bounds): AlertRule {
  const { limit } = bounds;
  return classRule('pool-size', bounds, {
    find: ({ inUse, inStock }) => ({ value: inUse + inStock, metrics: { inUse, inStock } }),
    severity: (value) => (value > 2 * limit ? 'error' : 'warning'),
    message: (value, of) =>
      `The pool of class ${of} has ${value} buffers, more than "poolSizeThreshold" of ${limit}`,
    suggest({ inUse, inStock, recentPeak, pools }, of) {
      if (inStock > recentPeak) {
        return [
          `Set "pools.${of}.maxSize" to ${each(recentPeak, pools)}, as no more than ${recentPeak} were in use at once`,
        ];
      }
      const enough = Math.ceil(recentPeak * ROOM);
      return [`Set "poolSizeThreshold" to ${enough} if so many may be in use, as ${inUse} are`];
    },
  });
}

function exhaustionRule(bounds: Bounds): AlertRule {
  return classRule('exhaustion', bounds, {
    find: ({ failed, retrieved, inUse }) => ({
      value: failed,
      metrics: { failed, retrieved, inUse },
    }),
    severity: () => 'critical',
    message: (value, of) => `There was no memory for ${value} gets of class ${of}`,
    suggest: ({ failed, bufferSize }, of) => [
      `Raise "memory" of the pools by ${failed * bufferSize} bytes or more: ${failed} gets of class ${of} found none`,
    ],
  });
}

/** The class whose buffers take most. */
function largestOf({ classes }: BufferSample): BufferClass {
  return BUFFER_CLASSES.reduce((largest, of) =>
    classes[of].memoryUsage > classes[largest].memoryUsage ? of : largest,
  );
}

/** What is one pool's part of a sum over pools, whose settings are the same. */
function each(sum: number, pools: number): number {
  return Math.ceil(sum / Math.max(1, pools));
}

function percent(part: number): string {
  return `${Number((part * 100).toPrecision(3))} %`;
}
