/**
 * Run, for an op that generates: its outputs as an async iterable.
 *
 * The op begins with the first pull, runs ahead by a few outputs, and ends with the last pull: at its own
 * end, with an error, or when the consumer leaves, as `break` does. Then what the op has in its `finally`
 * has run, and every slice that is not the consumer's is back.
 */
import { MillraceError, Slice } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import type { Submitter } from '../submitter.js';
import { OUTBOX_BYTES, OutboxReader } from '../dispatch/outbox.js';
import { ELSEWHERE, type Task, type Terms, type Trouble } from '../dispatch/task.js';
import type { Configured } from '../ops/configurations.js';
import type { GeneratorOp } from '../ops/define-op.js';
import { check } from './run.js';
import { abortedBy, termsOf, type RunOptions } from '../dispatch/task-options.js';
import { checkStrategy } from './flow-op.js';

/** What is asked of a generator; taken in with the first pull. */
export interface GenerateRequest<P, Y> {
  readonly op: GeneratorOp<P, Y>;
  readonly data: Uint8Array | Slice | undefined;
  readonly params: P | undefined;
  readonly options: RunOptions | undefined;
}

class GeneratorTask implements Task {
  readonly config: Configured;
  readonly terms: Terms;
  readonly input: SlotRef | -1;
  readonly length: number;
  readonly output: SlotRef;
  /** It is no room for the op. */
  readonly room = 0;
  readonly offset = 0;
  readonly lead = 0;
  readonly file = -1;
  readonly target = -1;
  readonly position = 0;
  readonly last = true;
  cell = ELSEWHERE;
  trouble: Trouble | undefined = undefined;
  settled = false;
  failure: { readonly error: unknown } | undefined;
  readonly #outbox: OutboxReader;
  /** What had been sent when its thread died: later it is swept. */
  readonly #rescued: unknown[] = [];
  #died = false;

  constructor(
    config: Configured,
    terms: Terms,
    input: Slice | undefined,
    slice: Slice,
    outbox: OutboxReader,
  ) {
    this.config = config;
    this.terms = terms;
    this.input = input?.ref ?? -1;
    this.length = input?.byteLength ?? 0;
    this.output = slice.ref;
    this.#outbox = outbox;
  }

  /** Once the consumer may have seen an output, the op cannot begin anew. */
  get idempotent(): boolean {
    return this.#outbox.sent === 0;
  }

  /** The next output; `undefined` when there is none for now. */
  take(): { readonly value: unknown } | undefined {
    if (this.#rescued.length > 0) return { value: this.#rescued.shift() };
    return !this.#died && this.#outbox.hasOutput ? { value: this.#outbox.take() } : undefined;
  }

  /** Resolves when there may be another output, or it has settled. */
  changed(): Promise<void> {
    return this.#outbox.changed();
  }

  done(): void {
    this.#settle();
  }

  failed(error: unknown): void {
    this.failure = { error };
    try {
      while (this.#outbox.hasOutput) this.#rescued.push(this.#outbox.take());
    } catch {
      // Swept with its thread.
    }
    this.#died = true;
    this.#settle();
  }

  #settle(): void {
    this.settled = true;
    this.#outbox.nudge();
  }
}

export function generate<P, Y>(
  submitter: Submitter,
  request: GenerateRequest<P, Y>,
): AsyncIterableIterator<Y, undefined, void> {
  const leaving = new AbortController();
  const outputs = pull<P, Y>(submitter, request, leaving.signal);
  return {
    next: () => outputs.next(),
    return() {
      // A pull that still waits ends first.
      leaving.abort();
      return outputs.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* pull<P, Y>(
  submitter: Submitter,
  { op, data, params, options = {} }: GenerateRequest<P, Y>,
  leaving: AbortSignal,
): AsyncGenerator<Y, undefined, void> {
  const { signal } = options;
  if (signal?.aborted) throw abortedBy(signal);
  const terms = termsOf(options);
  const config = submitter.configure(op, params);
  const lent: Slice[] = [];
  const stop = (): AbortSignal => (signal ? AbortSignal.any([leaving, signal]) : leaving);
  try {
    checkStrategy(options.strategy, config);
    submitter.requireRoom();
    const task = await taskOf(submitter, config, terms, data, lent, stop).catch(
      (error: unknown) => {
        if (!leaving.aborted) throw error;
      },
    );
    if (!task || leaving.aborted) return undefined;
    if (signal?.aborted) throw abortedBy(signal);
    const onLeave = (): void => submitter.stop(task, left(config));
    const onAbort = (): void => submitter.stop(task, abortedBy(signal!));
    leaving.addEventListener('abort', onLeave, { once: true });
    signal?.addEventListener('abort', onAbort, { once: true });
    submitter.submit(task);
    try {
      for (;;) {
        const { settled } = task;
        const output = task.take();
        if (output) yield output.value as Y;
        else if (settled) break;
        else await task.changed();
      }
      if (task.failure && !leaving.aborted) throw task.failure.error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      submitter.stop(task, left(config));
      await end(task);
    }
  } finally {
    for (const slice of lent) slice.release();
    submitter.release(config);
  }
  return undefined;
}

/** Waits until no thread has to do with the task any more, and lets go what nobody has taken. */
async function end(task: GeneratorTask): Promise<void> {
  for (;;) {
    const { settled } = task;
    const output = task.take();
    if (output?.value instanceof Slice) output.value.release();
    else if (output) continue;
    else if (settled) return;
    else await task.changed();
  }
}

/** `lent` takes the slices that are to be released in the end. */
async function taskOf(
  submitter: Submitter,
  config: Configured,
  terms: Terms,
  data: Uint8Array | Slice | undefined,
  lent: Slice[],
  stop: () => AbortSignal,
): Promise<GeneratorTask> {
  check(submitter, config, data);
  const { buffers, supply } = submitter;
  const bytes = data instanceof Uint8Array ? data : undefined;
  const need = {
    name: config.name,
    inputBytes: bytes?.byteLength ?? 0,
    outputBytes: OUTBOX_BYTES,
    given: data instanceof Slice ? data : undefined,
  };
  const lot = supply.line.take(need) ?? (await supply.wait(need, stop()));
  const { input, output: outbox } = lot;
  if (input) lent.push(input);
  lent.push(outbox!);
  // A slice may have been released meanwhile.
  check(submitter, config, data);
  if (bytes) input?.bytes.set(bytes);
  const given = input ?? need.given;
  return new GeneratorTask(config, terms, given, outbox!, new OutboxReader(buffers, outbox!.ref));
}

function left({ name }: Configured): MillraceError {
  return new MillraceError('ERR_ABORTED', `Nobody wants more outputs of "${name}"`);
}
