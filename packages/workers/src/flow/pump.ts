/** Pump: one object from where it is to where it shall be, through an op. */
import type { Coordinator } from '../coordinator.js';
import type { Configured } from '../ops/configurations.js';
import { ChunkWindow, type FlowOptions, type FlowResult } from './chunk-window.js';
import { reading, writing } from './io-error.js';
import { openSource, type FlowSource } from './source.js';
import { openTarget, type FlowTarget } from './target.js';

export interface PumpReport extends FlowResult {
  threads: number;
}

export async function pump(
  coordinator: Coordinator,
  config: Configured,
  from: FlowSource,
  to: FlowTarget,
  options: FlowOptions,
): Promise<PumpReport> {
  const result = await transfer(from, to, (source, sink) => {
    const feed = source.feed(config.definition.chunk!);
    return new ChunkWindow(coordinator, config, feed, sink, options).run();
  });
  return { ...result, threads: coordinator.threadCount };
}

/** Opens both ends, runs `flow` between them, and closes them as its outcome demands. */
export async function transfer<R>(
  from: FlowSource,
  to: FlowTarget,
  flow: (
    source: Awaited<ReturnType<typeof openSource>>,
    sink: Awaited<ReturnType<typeof openTarget>>['sink'],
  ) => Promise<R>,
): Promise<R> {
  const source = await reading(openSource(from));
  let result: R;
  try {
    const target = await writing(openTarget(to));
    try {
      result = await flow(source, target.sink);
      await writing(target.commit());
    } catch (error) {
      await target.discard(error);
      throw error;
    }
  } catch (error) {
    await source.close(true);
    throw error;
  }
  await source.close(false);
  return result;
}
