/** Errors over comlink: as it sends them, and with what it would leave out. */
import { MillraceError, type MillraceErrorCode } from '@millrace/core';
import { canBeCloned, traitsOf, withTraits } from '../dispatch/thrown.js';
import type { Message } from './line.js';

/** As comlink's own handler has it; `value` may hold more. */
export type Thrown =
  | { readonly isError: true; readonly value: SentError }
  | { readonly isError: false; readonly value: unknown };

interface SentError {
  readonly message: string;
  readonly name: string;
  readonly stack?: string | undefined;
  readonly cause?: unknown;
}

export function thrownOf(value: unknown): Thrown {
  if (!(value instanceof Error)) return { isError: false, value };
  const { message, name, stack, cause } = value;
  return {
    isError: true,
    value: {
      ...traitsOf(value),
      message,
      name,
      stack,
      ...(cause !== undefined && canBeCloned(cause) && { cause }),
    },
  };
}

/** What comlink takes for an answer that throws `error`. */
export function failure(id: string, error: unknown): Message {
  return { id, type: 'HANDLER', name: 'throw', value: { isError: false, value: error } };
}

/** The same answer, with an error of the class that was thrown. */
export function withError(message: Message): Message {
  if (message.type !== 'HANDLER' || message.name !== 'throw') return message;
  const thrown = message.value as Thrown;
  return thrown.isError ? failure(message.id, errorFrom(thrown.value)) : message;
}

const CLASSES = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [
    type.name,
    type,
  ]),
);

function errorFrom({ message, stack, cause, ...traits }: SentError): unknown {
  const options = cause === undefined ? undefined : { cause };
  const { code } = traits as { code?: MillraceErrorCode };
  const error =
    traits.name === 'MillraceError' && code !== undefined
      ? new MillraceError(code, message, options)
      : new (CLASSES.get(traits.name) ?? Error)(message, options);
  if (stack !== undefined) error.stack = stack;
  return withTraits(error, traits);
}
