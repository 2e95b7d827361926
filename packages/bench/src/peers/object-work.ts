/**
 * One object after the other, copied or teed: over an adaptive pool, by a strategy, or through fresh
 * buffers. Who does it, and with what, is told in plain data, so that a thread can be told too.
 */
import { AdaptiveBufferPool, BufferPools, type BufferPoolStrategy } from '@millrace/core';
import { ComparingSink, MemoryObject } from './object-ends.js';
import { copyUnpooled, teeUnpooled, type UnpooledWay } from './unpooled.js';

const MEMORY_BYTES = 64 * 2 ** 20;

/** `copy` has one consumer, `tee` two. */
export type Kind = 'copy' | 'tee';

export interface Work {
  readonly kind: Kind;
  /** A strategy of the adaptive pool, or a way to do without one. */
  readonly by: BufferPoolStrategy | UnpooledWay;
}

/**
 * Handles an object of so many bytes; at once, or not.
 *
 * @throws Error unless all its bytes come to each consumer, in order
 */
export type Handle = (size: number) => unknown;

/** What all contenders of one thread work with. */
export class Workplace {
  readonly #adaptive = new AdaptiveBufferPool(BufferPools.create({ memory: MEMORY_BYTES }, 0));
  readonly #object = new MemoryObject();
  readonly #one = new ComparingSink();
  readonly #other = new ComparingSink();

  handle({ kind, by }: Work): Handle {
    const [object, one, other] = [this.#object, this.#one, this.#other];
    const adaptive = this.#adaptive;
    if (by === 'whole' || by === 'chunks') {
      if (kind === 'copy') {
        return (size) => {
          copyUnpooled(one, object.begin(size), size, by);
          one.next(size);
        };
      }
      const both = [one, other] as const;
      return async (size) => {
        await teeUnpooled(both, object.begin(size), size, by);
        one.next(size);
        other.next(size);
      };
    }
    if (kind === 'copy') {
      const options = { strategy: by };
      return (size) => {
        const copied = adaptive.copyBuffer(one, object.begin(size), size, options);
        if (copied instanceof Promise) return copied.then(() => one.next(size));
        one.next(size);
        return undefined;
      };
    }
    return async (size) => {
      const tee = adaptive.tee(object.begin(size), other, { size, strategy: by });
      await tee.pipeTo(one);
      if (tee.branch.state !== 'closed') await tee.finished;
      one.next(size);
      other.next(size);
    };
  }
}
