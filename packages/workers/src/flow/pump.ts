/** Pump: one object from where it is to where it shall be, through an op. */
import type { Submitter } from '../submitter.js';
import type { Configured } from '../ops/configurations.js';
import { ChunkWindow, type FlowOptions, type FlowResult, type Sink } from './chunk-window.js';
import { DirectIo } from './direct-io.js';
import { writing } from './io-error.js';
import { withSource, type FlowSource, type OpenSource } from './source.js';
import { dismiss, openTargets, watch, type FlowTargets } from './targets.js';

export interface PumpReport extends FlowResult {
  threads: number;
  /** What was not done as it was asked for, and why: each a sentence. */
  notes: string[];
}

export async function pump(
  submitter: Submitter,
  config: Configured,
  from: FlowSource,
  to: FlowTargets,
  options: FlowOptions & { direct?: boolean | undefined },
): Promise<PumpReport> {
  const direct = options.direct ? new DirectIo(submitter.buffers, config) : undefined;
  const flow = (source: OpenSource, sink: Sink): Promise<FlowResult> => {
    const feed = source.feed(config.definition.split!);
    return new ChunkWindow(submitter, config, feed, sink, options).run();
  };
  const result = await transfer(from, to, options.signal, flow, direct);
  return { ...result, threads: submitter.threadCount, notes: direct?.notes ?? [] };
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
