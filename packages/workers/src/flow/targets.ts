/**
 * Where a flow ends when it has several targets: all get the same bytes, out of the same slices, which
 * are recycled when the last of them is done. The slowest sets the pace.
 *
 * All or nothing: when one fails, the flow fails, and every target is discarded. Files are put in their
 * places when every target is whole.
 */
import { MillraceError } from '@millrace/core';
import type { Sink } from './flow.js';
import type { DirectIo } from './direct-io.js';
import { WritableSink, isNodeWritable } from './sinks.js';
import { openTarget, type FlowTarget, type OpenTarget } from './target.js';

/** One target, or several that get the same. */
export type FlowTargets = FlowTarget | readonly FlowTarget[];

/** All targets of a flow, as one. */
export interface OpenTargets {
  readonly sink: Sink;
  /** Everything has been written: makes it last. */
  commit(): Promise<void>;
  /** It failed: leaves nothing behind. */
  discard(error: unknown): Promise<void>;
}

/** From now on the errors of streams are the flow's: one that comes while others are opened must not go unheard. */
export function watch(to: FlowTargets): void {
  for (const target of listOf(to)) if (isNodeWritable(target)) target.on('error', () => {});
}

/** The flow has failed before its targets were opened: a stream must not wait for it. */
export function dismiss(to: FlowTargets, error: unknown): void {
  for (const target of listOf(to)) {
    if (isNodeWritable(target)) new WritableSink(target).abort(error);
    else if (target instanceof WritableStream) target.abort(error).catch(() => {});
  }
}

/** @throws as {@link openTarget} does; MillraceError `ERR_INVALID_ARG` for an empty list */
export async function openTargets(
  to: FlowTargets,
  signal: AbortSignal | undefined,
  direct?: DirectIo,
): Promise<OpenTargets> {
  const list = listOf(to);
  if (list.length === 0) {
    throw new MillraceError('ERR_INVALID_ARG', 'Cannot write to an empty list of targets');
  }
  // Several targets are written by the main thread, so that all get the same from the same slices.
  const alone = list.length === 1 ? direct : undefined;
  if (direct && !alone) direct.notFile('target');
  const targets: OpenTarget[] = [];
  const discard = async (error: unknown): Promise<void> => {
    await Promise.all(targets.map((target) => target.discard(error)));
  };
  try {
    for (const target of list) targets.push(await openTarget(target, signal, alone));
  } catch (error) {
    await discard(error);
    dismiss(list.slice(targets.length), error);
    throw error;
  }
  return {
    sink: targets.length === 1 ? targets[0]!.sink : new TeeSink(targets.map(({ sink }) => sink)),
    async commit() {
      for (const target of targets) await target.finish();
      // Those first that may refuse: a file that was put in its place is removed again, one that it replaced is gone.
      targets.sort((a, b) => Number(b.exclusive ?? false) - Number(a.exclusive ?? false));
      for (const target of targets) await target.place();
    },
    discard,
  };
}

class TeeSink implements Sink {
  readonly #sinks: readonly Sink[];

  constructor(sinks: readonly Sink[]) {
    this.#sinks = sinks;
  }

  /** Even when one has failed the others may still read the parts: it settles when all are done. */
  async write(parts: readonly Uint8Array[]): Promise<void> {
    let failure: { error: unknown } | undefined;
    const writes = this.#sinks.map((sink) =>
      sink.write(parts).catch((error: unknown) => {
        failure ??= { error };
        this.abort(error);
      }),
    );
    await Promise.all(writes);
    if (failure) throw failure.error;
  }

  abort(error: unknown): void {
    for (const sink of this.#sinks) sink.abort?.(error);
  }
}

function listOf(to: FlowTargets): readonly FlowTarget[] {
  return Array.isArray(to) ? (to as readonly FlowTarget[]) : [to as FlowTarget];
}
