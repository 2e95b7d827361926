/** Pump: one object from where it is to where it shall be, through an op. */
import { MillraceError } from '@millrace/core';
import type { Submitter } from '../submitter.js';
import type { Configured } from '../ops/configurations.js';
import type { ChunkWindow } from './chunk-window.js';
import type { FlowOptions, FlowResult, Sink } from './flow.js';
import { DirectIo } from './direct-io.js';
import { writing } from './io-error.js';
import { openWindow } from './open-window.js';
import { Relay, type RelayOptions } from './relay.js';
import { CollectingSink } from './sinks.js';
import { withSource, type FlowSource, type OpenSource } from './source.js';
import { dismiss, openTargets, watch, type FlowTargets } from './targets.js';

export interface PumpFlow extends FlowOptions {
  /** Past the system's page cache. */
  readonly direct?: boolean | undefined;
}

/** What has been done. `V` is what an op gives that is pumped to no target. Without an op there are no `threads`. */
export interface PumpReport<V = undefined> extends FlowResult {
  threads: number;
  /** What was not done as it was asked for, and why: each a sentence. */
  notes: string[];
  value: V;
}

export async function pump(
  submitter: Submitter,
  config: Configured,
  from: FlowSource,
  to: FlowTargets,
  options: PumpFlow,
): Promise<PumpReport> {
  const direct = options.direct ? new DirectIo(submitter.buffers, config) : undefined;
  const flow = async (source: OpenSource, sink: Sink): Promise<PumpReport> => {
    const window = await openWindow(submitter, config, source, sink, options);
    return reportOf(submitter, window, await window.run(), undefined);
  };
  const report = await transfer(from, to, options.signal, flow, direct);
  report.notes.push(...(direct?.notes ?? []));
  return report;
}

/** Without an op: the bytes go as they are, and no worker sees them. */
export async function pumpAsItIs(
  submitter: Submitter,
  from: FlowSource,
  to: FlowTargets,
  options: RelayOptions,
): Promise<PumpReport> {
  const { length } = options;
  if (length !== undefined && !(Number.isSafeInteger(length) && length >= 0)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot pump with "length" of ${String(length)} as it must be an integer of 0 or more`,
    );
  }
  const flow = async (source: OpenSource, sink: Sink): Promise<PumpReport> => {
    const result = await new Relay(submitter, source, sink, options).run();
    return { ...result, threads: 0, notes: [], value: undefined };
  };
  return transfer(from, to, options.signal, flow);
}

/** The value that an op gives of one object, which is written nowhere. */
export async function pumpToValue(
  submitter: Submitter,
  config: Configured,
  from: FlowSource,
  options: PumpFlow,
): Promise<PumpReport<unknown>> {
  const direct = options.direct ? new DirectIo(submitter.buffers, config) : undefined;
  const flow = async (source: OpenSource): Promise<PumpReport<unknown>> => {
    const window = await openWindow(submitter, config, source, new CollectingSink(), options);
    return reportOf(submitter, window, await window.run(), window.value);
  };
  const report = await withSource(from, options.signal, flow, direct);
  report.notes.push(...(direct?.notes ?? []));
  return report;
}

function reportOf<V>(
  { threadCount }: Submitter,
  { notes }: ChunkWindow,
  result: FlowResult,
  value: V,
): PumpReport<V> {
  return { ...result, threads: threadCount, notes: [...notes], value };
}

/** Opens both ends, runs `flow` between them, and closes them as its outcome demands. */
export async function transfer<R>(
  from: FlowSource,
  to: FlowTargets,
  signal: AbortSignal | undefined,
  flow: (source: OpenSource, sink: Sink) => Promise<R>,
  direct?: DirectIo,
): Promise<R> {
  watch(to);
  let reached = false;
  const between = async (source: OpenSource): Promise<R> => {
    reached = true;
    const target = await writing(openTargets(to, signal, direct));
    try {
      const result = await flow(source, target.sink);
      await writing(target.commit());
      return result;
    } catch (error) {
      await target.discard(error);
      throw error;
    }
  };
  try {
    return await withSource(from, signal, between, direct);
  } catch (error) {
    if (!reached) dismiss(to, error);
    throw error;
  }
}
