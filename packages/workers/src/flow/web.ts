/**
 * The mill as a pair of web streams: what is written to the one comes out of the other transformed, in
 * order, with back-pressure both ways. Web APIs refuse shared memory, or read it wrongly, so the bytes
 * are copied in and out.
 *
 * Either side may end it. Whatever happens to one, the other is told, and what is waited for settles:
 *
 *   writable.abort(reason)   ─▶ readable errors with the reason ─┐
 *   readable.cancel(reason)  ─▶ writable errors with the reason ─┼─▶ both resolve once no slice is lent
 *   the op, the signal       ─▶ both error ──────────────────────┘
 */
import { bytesOf } from '@millrace/core/internal';
import type { Submitter } from '../submitter.js';
import type { Configured } from '../ops/configurations.js';
import { aborted, type FlowOptions } from './flow.js';
import { SequenceFeed } from './feeds.js';
import { HandIn } from './hand-in.js';
import { HandOut } from './hand-out.js';
import { windowOfUnknown } from './open-window.js';

/** What `readable.pipeThrough` takes. */
export interface WebPair {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Takes bytes in any form; strings are UTF-8. */
  readonly writable: WritableStream<unknown>;
}

/** `ended` is called once, when no task of the pair is left and none will come. */
export function web(
  submitter: Submitter,
  config: Configured,
  { signal, strategy }: Pick<FlowOptions, 'signal' | 'strategy'>,
  ended: () => void,
): WebPair {
  const input = new HandIn();
  const stop = new AbortController();
  let readableEnd!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  let writableEnd!: WritableStreamDefaultController;
  /** Fails the write that waits to be taken. */
  let failWrite: ((error: unknown) => void) | undefined;
  let flow: Promise<void> | undefined;

  const finish = (): void => {
    signal?.removeEventListener('abort', onAbort);
    ended();
  };
  /** With the first write, so that a pair that is never used holds no slice. */
  const begin = (): void => {
    if (flow) return;
    const feed = new SequenceFeed(input, undefined, config.definition.split!);
    const window = windowOfUnknown(submitter, config, feed, output, {
      signal: stop.signal,
      strategy,
    });
    flow = window
      .run()
      .then(() => stop.signal.aborted || readableEnd.close(), fail)
      .then(finish);
  };
  /** All but the writable side. */
  const stopFlow = (error: unknown): void => {
    if (stop.signal.aborted) return;
    stop.abort(error);
    readableEnd.error(error);
    failWrite?.(error);
    input.stop();
    flow ??= Promise.resolve().then(finish);
  };
  const fail = (error: unknown): void => {
    if (stop.signal.aborted) return;
    writableEnd.error(error);
    stopFlow(error);
  };
  const end = (reason: unknown): Promise<void> | undefined => {
    fail(reason);
    return flow;
  };
  const onAbort = (): void => fail(aborted(signal?.reason));

  const output = new HandOut((part) => {
    readableEnd.enqueue(part.slice());
    return readableEnd.desiredSize! > 0;
  });
  const readable = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start: (controller) => void (readableEnd = controller),
      pull: () => output.ask(),
      cancel: end,
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<unknown>({
    start(controller) {
      writableEnd = controller;
      // `abort` below is called after the write that is under way, which may wait for a reader for ever.
      // Node's types do not know the signal.
      const told = (controller as { signal?: AbortSignal }).signal!;
      told.addEventListener('abort', () => stopFlow(told.reason));
    },
    async write(piece) {
      begin();
      try {
        const bytes = bytesOf(piece);
        await new Promise<void>((resolve, reject) => {
          failWrite = reject;
          input.give(bytes, () => resolve());
        });
      } catch (error) {
        fail(error);
        throw error;
      }
    },
    close() {
      begin();
      input.end();
    },
    abort: end,
  });
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return { readable, writable };
}
