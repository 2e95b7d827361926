/** The mill as a Node `Duplex`: what is written comes out transformed, in order, with back-pressure both ways. */
import { AsyncResource } from 'node:async_hooks';
import { Duplex } from 'node:stream';
import { bytesOf } from '@millrace/core/internal';
import type { Submitter } from '../submitter.js';
import type { Configured } from '../ops/configurations.js';
import { aborted, type FlowOptions } from './flow.js';
import { SequenceFeed } from './feeds.js';
import { HandIn } from './hand-in.js';
import { HandOut } from './hand-out.js';
import { windowOfUnknown } from './open-window.js';

/** A `Duplex` whose listeners run in the asynchronous context of whoever made it. */
class FlowStream extends Duplex {
  readonly #context = new AsyncResource('MillraceStream');

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    return this.#context.runInAsyncScope(() => super.emit(event, ...values));
  }
}

export function stream(
  submitter: Submitter,
  config: Configured,
  { signal, strategy }: Pick<FlowOptions, 'signal' | 'strategy'>,
): Duplex {
  const input = new HandIn();
  const stop = new AbortController();
  let finished: Promise<unknown> | undefined;

  const duplex: Duplex = new FlowStream({
    construct(callback) {
      const feed = new SequenceFeed(input, undefined, config.definition.split!);
      const window = windowOfUnknown(submitter, config, feed, output, {
        signal: stop.signal,
        strategy,
      });
      finished = window.run().then(
        () => duplex.push(null),
        (error: unknown) => duplex.destroy(error as Error),
      );
      callback();
    },
    write(piece: unknown, _encoding, callback) {
      input.give(bytesOf(piece), callback);
    },
    final(callback) {
      input.end();
      callback();
    },
    read() {
      output.ask();
    },
    destroy(error, callback) {
      stop.abort(error ?? aborted('the stream was destroyed'));
      input.stop(error);
      // Closed means that no slice of it is lent any more.
      void (finished ?? Promise.resolve()).then(() => callback(error));
    },
  });
  // A copy, since a stream never says when its reader is done with a piece.
  const output = new HandOut((part) => duplex.push(Buffer.from(part)));

  if (signal) {
    const onAbort = (): void => void duplex.destroy(aborted(signal.reason));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    duplex.once('close', () => signal.removeEventListener('abort', onAbort));
  }
  return duplex;
}
