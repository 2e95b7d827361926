/** The window through which an object goes, with what its strategy takes beforehand. */
import { MillraceError, type Slice } from '@millrace/core';
import type { Configured } from '../ops/configurations.js';
import { outputRoom } from '../ops/output-bound.js';
import type { Submitter } from '../submitter.js';
import { Plan } from '../supply/plan.js';
import { ChunkWindow, checkSize, type Feed } from './chunk-window.js';
import { aborted, type FlowOptions, type Sink } from './flow.js';
import { SliceFeed } from './feeds.js';
import type { OpenSource, WholeFeed } from './source.js';

/** @throws MillraceError `ERR_POOL_EXHAUSTED`, `ERR_SIZE`, `ERR_ABORTED` */
export async function openWindow(
  submitter: Submitter,
  config: Configured,
  source: OpenSource,
  sink: Sink,
  options: FlowOptions,
): Promise<ChunkWindow> {
  const split = config.definition.split!;
  const chunks = source.feed(split);
  checkSize(submitter, config, chunks);
  const whole = source.whole?.(split);
  const plan = new Plan(submitter.supply, {
    bytes: source.totalBytes,
    sliceBytes: whole?.sliceBytes,
    chunkBytes: split.size,
    strategy: options.strategy,
  });
  const one =
    plan.strategy === 'pooled' && whole
      ? await pooled(submitter, config, whole, plan, options)
      : undefined;
  return new ChunkWindow(submitter, config, one ?? chunks, sink, plan, options);
}

/** The window over a slice of the caller's: that is where the object lies, whatever its size. */
export function windowOfSlice(
  submitter: Submitter,
  config: Configured,
  slice: Slice,
  sink: Sink,
  options: FlowOptions,
): ChunkWindow {
  const split = config.definition.split!;
  const { byteLength: bytes } = slice;
  const strategy = options.strategy === 'direct' ? 'direct' : 'pooled';
  const lying = { bytes, sliceBytes: bytes, chunkBytes: split.size, strategy } as const;
  const plan = new Plan(submitter.supply, lying);
  return new ChunkWindow(submitter, config, new SliceFeed(slice, split), sink, plan, options);
}

/** The window of an object that comes piece by piece, and of which nobody knows the size. */
export function windowOfUnknown(
  submitter: Submitter,
  config: Configured,
  feed: Feed,
  sink: Sink,
  options: FlowOptions,
): ChunkWindow {
  const { size: chunkBytes } = config.definition.split!;
  const { strategy } = options;
  const unknown = { bytes: undefined, sliceBytes: undefined, chunkBytes, strategy };
  const plan = new Plan(submitter.supply, unknown);
  return new ChunkWindow(submitter, config, feed, sink, plan, options);
}

/** Takes a slice for the whole object and one for its first output; `undefined` when it is to be chunks instead. */
async function pooled(
  { supply }: Submitter,
  config: Configured,
  whole: WholeFeed,
  plan: Plan,
  { signal }: FlowOptions,
): Promise<Feed | undefined> {
  const { name, kind, definition } = config;
  const { sliceBytes } = whole;
  const chunkBytes = Math.min(definition.split!.size, sliceBytes);
  const outputBytes = kind === 'transform' ? outputRoom(config, chunkBytes) : 0;
  try {
    plan.whole = await supply.wait({ name, inputBytes: sliceBytes, outputBytes }, signal);
    supply.lent(plan.whole);
    supply.had(sliceBytes);
    return whole.into(plan.whole.input!);
  } catch (error) {
    if (signal?.aborted) throw aborted(signal.reason);
    const exhausted = error instanceof MillraceError && error.code === 'ERR_POOL_EXHAUSTED';
    // An object of one chunk takes no less as one.
    if (!exhausted || sliceBytes <= definition.split!.size) throw error;
    const why = `a slice of ${sliceBytes} bytes for all of it was not free in time`;
    plan.degrade('chunked', sliceBytes, why);
    return undefined;
  }
}
