/** The results of an object's chunks on their way to one value, in the order of the input. */
import { MillraceError } from '@millrace/core';
import type { Configured } from '../ops/configurations.js';

export class Reduction {
  readonly #config: Configured;
  #value: unknown;
  #chunks = 0;

  constructor(config: Configured) {
    this.#config = config;
  }

  /** What has come of all chunks so far; that of the first is what `run` returned for it. */
  get value(): unknown {
    return this.#value;
  }

  /**
   * Takes in the next chunk.
   *
   * @throws MillraceError `ERR_OP_FAILED` when the op's merge throws
   */
  add(value: unknown, inputBytes: number): void {
    const { definition, params } = this.#config;
    const { merge } = definition;
    if (typeof merge !== 'function') return;
    this.#value =
      this.#chunks++ === 0
        ? value
        : merged(this.#config, () => merge(this.#value, value, params, inputBytes));
  }
}

/** What the op's merge makes of it. It runs on this thread, so its errors are told like those of `run`. */
export function merged<R>({ name }: Configured, merge: () => R): R {
  try {
    return merge();
  } catch (cause) {
    throw new MillraceError(
      'ERR_OP_FAILED',
      `Op "${name}" failed as its merge threw: ${String(cause)}`,
      { cause },
    );
  }
}
