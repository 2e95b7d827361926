/** Pump: one object from where it is to where it shall be, through an op. */
import { Writable } from 'node:stream';
import type { Coordinator } from '../coordinator.js';
import type { Configured } from '../ops/configurations.js';
import { ChunkWindow, type FlowOptions, type FlowResult } from './chunk-window.js';
import { unlessAborted } from './buffered-input.js';
import { reading, writing } from './io-error.js';
import { openSource, type FlowSource } from './source.js';
import { dismiss, openTarget, type FlowTarget } from './target.js';

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
  const result = await transfer(from, to, options.signal, (source, sink) => {
    const feed = source.feed(config.definition.split!);
    return new ChunkWindow(coordinator, config, feed, sink, options).run();
  });
  return { ...result, threads: coordinator.threadCount };
}

/** Opens both ends, runs `flow` between them, and closes them as its outcome demands. */
export async function transfer<R>(
  from: FlowSource,
  to: FlowTarget,
  signal: AbortSignal | undefined,
  flow: (
    source: Awaited<ReturnType<typeof openSource>>,
    sink: Awaited<ReturnType<typeof openTarget>>['sink'],
  ) => Promise<R>,
): Promise<R> {
  // Its errors are the flow's from now on: one that comes while the source is opened must not go unheard.
  if (to instanceof Writable) to.on('error', () => {});
  const opening = reading(openSource(from));
  const source = await unlessAborted(signal, opening, (late) => void late.close(true)).catch(
    (error: unknown) => {
      dismiss(to, error);
      throw error;
    },
  );
  let result: R;
  try {
    const target = await writing(openTarget(to, signal));
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
