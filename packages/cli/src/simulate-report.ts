/** How configurations did, beside each other: for people and for programs. */
import { basename } from 'node:path';
import type { BufferRun, PerformanceGain, SimulatedRun } from '@millrace/observe';
import { bytesText, shown } from './text.js';

export interface Contender {
  readonly name: string;
  readonly run: SimulatedRun;
  /** Over the first contender. */
  readonly gain: PerformanceGain;
}

const GAP = '  ';

/** A table: a column for each configuration. */
export function comparisonText(trace: string, contenders: readonly Contender[]): string {
  const [first] = contenders;
  const table = [
    ['', ...contenders.map(({ name }) => shown(basename(name)))],
    ...LINES.map(([name, of]) => [name, ...contenders.map(({ run }) => of(run))]),
  ];
  if (contenders.length > 1) {
    table.push(
      ...GAINS.map(([name, of]) => [
        name,
        ...contenders.map((one) => (one === first ? '–' : of(one.gain))),
      ]),
    );
  }
  const widths = table[0]!.map((_, column) =>
    Math.max(...table.map((line) => line[column]!.length)),
  );
  const lines = table.map((line) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join(GAP)
      .trimEnd(),
  );
  const seconds = ((first?.run.durationMs ?? 0) / 1000).toFixed(1);
  return `${shown(trace)}, ${seconds} s:\n${lines.join('\n')}\n`;
}

/** A line of JSON for each configuration. */
export function comparisonJson(trace: string, contenders: readonly Contender[]): string {
  return contenders
    .map(({ name, run, gain }) => {
      const { parts: _, ...figures } = run;
      return `${JSON.stringify({ trace, config: name, ...figures, gain })}\n`;
    })
    .join('');
}

const LINES: readonly [name: string, of: (run: BufferRun) => string][] = [
  ['gets', ({ gets }) => String(gets)],
  ['hit rate', ({ hitRate }) => `${(100 * hitRate).toFixed(2)} %`],
  ['failed', ({ failed }) => String(failed)],
  ['buffers made', ({ made }) => String(made)],
  ['peak memory', ({ peakMemory }) => bytesText(peakMemory)],
  ['mean memory', ({ meanMemory }) => bytesText(meanMemory)],
  ['waits', ({ waits }) => String(waits)],
  ['longest wait', ({ longestWaitMs }) => `${longestWaitMs.toFixed(1)} ms`],
  ['mean latency', ({ meanLatencyMs }) => microseconds(meanLatencyMs)],
  ['p99 latency', ({ p99LatencyMs }) => microseconds(p99LatencyMs)],
  ['throughput', ({ throughput }) => `${Math.round(throughput)} gets/s`],
];

const GAINS: readonly [name: string, of: (gain: PerformanceGain) => string][] = [
  ['memory saved', ({ memoryReduction }) => percent(memoryReduction)],
  ['throughput gained', ({ throughputIncrease }) => percent(throughputIncrease)],
  ['latency saved', ({ latencyReduction }) => percent(latencyReduction)],
  ['allocations saved', ({ allocationReduction }) => percent(allocationReduction)],
  ['score, −1 to 1', ({ overallScore }) => signed(overallScore, 3)],
];

function microseconds(ms: number): string {
  return `${(1000 * ms).toFixed(2)} µs`;
}

function percent(part: number): string {
  return `${signed(100 * part, 1)} %`;
}

function signed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  if (Number(text) === 0) return (0).toFixed(digits);
  return value > 0 ? `+${text}` : text;
}
