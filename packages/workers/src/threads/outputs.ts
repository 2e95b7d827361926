/**
 * Runs a generator on a worker: asks it for the next output when the consumer has room for one, and ends
 * it early when nobody wants more.
 */
import { MillraceError } from '@millrace/core';
import type { OutboxWriter } from '../dispatch/outbox.js';
import type { OpContext } from '../ops/definition.js';

type AnyGenerator = Generator | AsyncGenerator;

/** @throws MillraceError `ERR_OP_OUTPUT` unless `result` is what a generator function returns */
export function checkGenerator(name: string, result: unknown): AnyGenerator {
  const { next, throw: fail } = (result ?? {}) as Partial<AnyGenerator>;
  if (typeof next === 'function' && typeof fail === 'function') return result as AnyGenerator;
  throw new MillraceError(
    'ERR_OP_OUTPUT',
    `Cannot take outputs of "${name}" as its "run" is no generator function: it returned a value of type ${typeof result}`,
  );
}

/** Resolves when the generator has ended, of itself or early. Rejects with what it throws. */
export async function sendOutputs(
  name: string,
  generator: AnyGenerator,
  outbox: OutboxWriter,
  context: OpContext,
): Promise<void> {
  const onAbort = (): void => outbox.nudge();
  const { signal } = context;
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      while (!outbox.hasRoom && !context.cancelled) await outbox.taken();
      if (context.cancelled) break;
      const step = generator.next();
      // No await where none is needed: a sync generator runs ahead at its own speed.
      const { done, value } = step instanceof Promise ? await step : step;
      if (done) return;
      const sending = send(name, outbox, value, signal);
      if (sending) await sending;
    }
  } catch (error) {
    await end(generator);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  await generator.return(undefined);
}

function send(
  name: string,
  outbox: OutboxWriter,
  value: unknown,
  signal: AbortSignal,
): Promise<void> | undefined {
  const fail = (cause: unknown): never => {
    throw new MillraceError(
      'ERR_OP_OUTPUT',
      `Cannot send an output of "${name}", a value of type ${typeof value}: ${String(cause)}`,
      { cause },
    );
  };
  try {
    return outbox.send(value, signal)?.catch(fail);
  } catch (error) {
    return fail(error);
  }
}

/** Runs what stands in its `finally`. The error that there was already is the one to tell. */
async function end(generator: AnyGenerator): Promise<void> {
  try {
    await generator.return(undefined);
  } catch {
    // It had failed before.
  }
}
