/** Which ops a flow can use: those that say how to cut their input. */
import { MillraceError, type BufferPoolStrategy } from '@millrace/core';
import { STRATEGIES } from '@millrace/core/internal';
import type { Configured } from '../ops/configurations.js';
import type { InPlaceOp, Op, TransformOp, ValueOp } from '../ops/define-op.js';

/** An op that flows can use: one that says how to cut its input. */
export type FlowOp<P> = TransformOp<P> | InPlaceOp<P>;

/** @throws MillraceError `ERR_INVALID_ARG` unless the op takes bytes of any size and gives bytes */
export function flowing<P>(op: FlowOp<P>): FlowOp<P> {
  const kind = (op as Op<P, unknown> | undefined)?.kind;
  if (
    kind === undefined ||
    (op.definition.split && (kind === 'transform' || kind === 'in-place'))
  ) {
    return op;
  }
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot send bytes through "${op.name}" of ${op.url} as it ${
      kind === 'value'
        ? 'gives a value: pump it without "to"'
        : kind === 'generator'
          ? 'generates: run it'
          : 'does not say how to cut its input: give it a "split"'
    }`,
  );
}

/** @throws MillraceError `ERR_INVALID_ARG` unless the op takes bytes of any size and gives a value */
export function reducing<P, R>(op: ValueOp<P, R>): ValueOp<P, R> {
  const kind = (op as Op<P, R> | undefined)?.kind;
  if (kind === undefined || (kind === 'value' && op.definition.split)) return op;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot pump through "${op.name}" of ${op.url} to a value as it ${
      kind === 'value'
        ? 'does not say how to cut its input: give it "split" and "merge"'
        : 'gives none: say where its output goes by "to"'
    }`,
  );
}

/** @throws MillraceError `ERR_INVALID_ARG` for what is no strategy, or none for `op` */
export function checkStrategy(
  strategy: BufferPoolStrategy | undefined,
  op?: Pick<Configured, 'name' | 'url' | 'definition'>,
): void {
  if (strategy === undefined) return;
  if (!STRATEGIES.includes(strategy)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot use "strategy" of ${String(strategy)} as it must be one of ${STRATEGIES.join(', ')}`,
    );
  }
  if (!op || op.definition.split || strategy === 'adaptive' || strategy === 'pooled') return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot run "${op.name}" of ${op.url} with "strategy" of ${strategy} as it does not say how to cut its input: give it a "split"`,
  );
}
