/**
 * Changes of a manager's settings, one by one: told apart, put together, taken back.
 */
import type { BufferClass, BufferManagerConfig, BufferManagerSettings } from '@millrace/core';
import { BUFFER_CLASSES } from '@millrace/core';
import { slotBytesFor } from '@millrace/core/internal';
import type { ConfigChange, RiskLevel } from './optimization-result.js';

type Value = ConfigChange['newValue'];

/** What a change alters, setting by setting; what is so already is left out. @param memoryBytes what the pools have */
export function changesOf(
  settings: BufferManagerSettings,
  change: BufferManagerConfig,
  memoryBytes: number,
): ConfigChange[] {
  const after = { ...settings.bufferSizes, ...change.bufferSizes };
  return [...leaves(change)].flatMap(([parameter, newValue]) => {
    const oldValue = valueAt(settings, parameter);
    if (newValue === oldValue || oldValue === undefined) return [];
    const stockBytes = stockOf(parameter, newValue, after);
    const grows = stockBytes !== undefined && newValue > oldValue;
    return {
      parameter,
      oldValue,
      newValue,
      impact: impactOf(parameter, newValue, stockBytes),
      risk: grows ? riskOfStock(stockBytes / memoryBytes) : (RISKS[lastName(parameter)] ?? 'low'),
    };
  });
}

/** What makes the changes, or takes them back, when a manager is configured with it. */
export function configOf(
  changes: readonly ConfigChange[],
  which: 'newValue' | 'oldValue' = 'newValue',
): BufferManagerConfig {
  const config: Tree = {};
  for (const change of changes) {
    const names = change.parameter.split('.');
    let at = config;
    for (const name of names.slice(0, -1)) at = (at[name] ??= {}) as Tree;
    at[names.at(-1)!] = change[which];
  }
  return config;
}

/** All settings, as they are with a change. */
export function withChange(
  settings: BufferManagerSettings,
  change: BufferManagerConfig,
): BufferManagerConfig {
  const pools = (bufferClass: BufferClass) => ({
    ...settings.pools[bufferClass],
    ...change.pools?.[bufferClass],
  });
  return {
    ...settings,
    ...change,
    bufferSizes: { ...settings.bufferSizes, ...change.bufferSizes },
    pools: {
      small: pools('small'),
      medium: pools('medium'),
      large: pools('large'),
      huge: pools('huge'),
    },
  };
}

/** What of the changes does not hold, each a sentence. */
export function unmet(
  settings: BufferManagerSettings,
  changes: readonly ConfigChange[],
): readonly string[] {
  return changes.flatMap(({ parameter, newValue }) => {
    const value = valueAt(settings, parameter);
    return value === newValue ? [] : `${parameter} is ${value}, not ${newValue}`;
  });
}

interface Tree {
  [name: string]: Tree | Value;
}

/** By the last name of a setting, where it is no size of a stock. */
const RISKS: Readonly<Record<string, RiskLevel>> = {
  small: 'medium',
  medium: 'medium',
  large: 'medium',
  huge: 'medium',
  poolThreshold: 'medium',
  allocationStrategy: 'high',
};

/** @param part of the memory */
function riskOfStock(part: number): RiskLevel {
  if (part <= 0.05) return 'low';
  if (part <= 0.2) return 'medium';
  return part <= 0.5 ? 'high' : 'critical';
}

/** Bytes that a stock of that size takes; `undefined` for any other setting. */
function stockOf(
  parameter: string,
  value: Value,
  sizes: Readonly<Record<BufferClass, number>>,
): number | undefined {
  const [, bufferClass, name] = parameter.split('.');
  const of = BUFFER_CLASSES.find((known) => known === bufferClass);
  if (of === undefined || (name !== 'maxSize' && name !== 'initialSize')) return undefined;
  return Number(value) * slotBytesFor(sizes[of]);
}

function impactOf(parameter: string, value: Value, stockBytes: number | undefined): string {
  const [group, bufferClass] = parameter.split('.');
  switch (lastName(parameter)) {
    case 'maxSize':
      return `keeps up to ${value} ${bufferClass} buffers in stock: ${stockBytes} bytes`;
    case 'initialSize':
      return `has ${value} ${bufferClass} buffers at least, once they are made: ${stockBytes} bytes`;
    case 'growthFactor':
      return `makes ${value} times the ${bufferClass} buffers in use when none is in stock`;
    case 'poolThreshold':
      return `serves up to ${value} bytes from the stock, and more from private memory`;
    case 'allocationStrategy':
      return `takes buffers ${value}`;
    default:
      return group === 'bufferSizes'
        ? `makes ${bufferClass} buffers of ${value} bytes; those of another size go`
        : `sets ${parameter} to ${value}`;
  }
}

function lastName(parameter: string): string {
  return parameter.slice(parameter.lastIndexOf('.') + 1);
}

function* leaves(tree: object, at = ''): Generator<[string, Value]> {
  for (const [name, value] of Object.entries(tree) as [string, unknown][]) {
    if (typeof value === 'object' && value !== null) yield* leaves(value, `${at}${name}.`);
    else if (isValue(value)) yield [at + name, value];
  }
}

function valueAt(settings: BufferManagerSettings, parameter: string): Value | undefined {
  let at: unknown = settings;
  for (const name of parameter.split('.')) {
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined;
  }
  return isValue(at) ? at : undefined;
}

function isValue(value: unknown): value is Value {
  return ['number', 'string', 'boolean'].includes(typeof value);
}
