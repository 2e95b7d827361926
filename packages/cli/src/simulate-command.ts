/** `millrace simulate`: one trace, replayed under each configuration, side by side. */
import { readFile } from 'node:fs/promises';
import { MillraceError, checkedManagerConfig, type BufferManagerConfig } from '@millrace/core';
import {
  BufferSimulator,
  PerformanceEvaluator,
  costsOf,
  readTrace,
  type SimulatedRun,
} from '@millrace/observe';
import { STDERR, STDOUT, writeText } from './descriptors.js';
import { ERROR, OK, type ExitCode } from './exit-codes.js';
import { comparisonJson, comparisonText, type Contender } from './simulate-report.js';
import { shown } from './text.js';
import { inWords, systemError } from './trouble.js';

export interface SimulateOptions {
  readonly trace: string;
  /** Files with a `BufferManagerConfig` each; the first is what the others are compared with. */
  readonly configs: readonly string[];
  /** Bytes that the pools have. */
  readonly memory: number;
  readonly json: boolean;
}

/** What is simulated when no configuration is named. */
const DEFAULTS = 'defaults';

export async function simulateCommand(options: SimulateOptions): Promise<ExitCode> {
  const { trace, configs, memory, json } = options;
  try {
    const named = await Promise.all(
      configs.map(async (name) => [name, await configIn(name)] as const),
    );
    const events = await about(trace, () => readTrace(trace));
    const simulator = new BufferSimulator({ memoryBytes: memory, costs: costsOf(events) });
    const evaluator = new PerformanceEvaluator();
    const contenders: Contender[] = [];
    let first: SimulatedRun | undefined;
    for (const [name, config] of named.length > 0 ? named : [[DEFAULTS, {}] as const]) {
      const run = await about(name, () => simulator.run(events, config));
      first ??= run;
      contenders.push({ name, run, gain: evaluator.compare(first, run) });
    }
    const text = json ? comparisonJson(trace, contenders) : comparisonText(trace, contenders);
    writeText(STDOUT, text);
    return OK;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    writeText(STDERR, `millrace: ${shown(error.file)}: ${error.message}\n`);
    return ERROR;
  }
}

/** Something is wrong with a file. */
class Problem extends Error {
  readonly file: string;

  constructor(file: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.file = file;
  }
}

async function configIn(file: string): Promise<BufferManagerConfig> {
  const text = await about(file, () => readFile(file, 'utf8'));
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new Problem(file, 'is no JSON', error);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new Problem(file, 'must be an object of settings');
  }
  const known = Object.keys(checkedManagerConfig({}));
  const unknown = Object.keys(config).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Problem(file, `has no setting "${shown(unknown)}": there are ${known.join(', ')}`);
  }
  return config;
}

/** What goes wrong is told of that file. */
async function about<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const system = systemError(error);
    if (system !== undefined) throw new Problem(file, `cannot read it: ${inWords(system)}`, error);
    if (error instanceof MillraceError) throw new Problem(file, error.message, error);
    throw error;
  }
}
