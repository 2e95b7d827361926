/**
 * Adaptive buffers: memory that an adaptive pool has handed out. A slice of its pools, or private memory.
 */
import { MillraceError } from '../errors.js';
import type { Slice } from '../slices/slice.js';
import type { HeldBuffer } from './held-buffers.js';
import type { Place, PrivateMemory } from './private-memory.js';
import type { PlainStrategy } from './strategy.js';
import type { Usage } from './usage.js';

/** Memory that is its user's until its release. */
export interface AdaptiveBuffer {
  /**
   * As many bytes as were asked for; what is in them is whatever the last user left.
   *
   * @throws MillraceError `ERR_SLICE_STALE` after {@link release}
   */
  readonly bytes: Uint8Array;
  /** `pooled`: a slice of shared memory. `direct`: private memory. */
  readonly strategy: PlainStrategy;
  /** The slice that it is, to be handed to an op or to another thread; of private memory there is none. */
  readonly slice: Slice | undefined;
  /** @throws MillraceError `ERR_SLICE_STALE` when it was released before, and nothing is damaged by that */
  release(): void;
  /** Releases it unless that was done. */
  [Symbol.dispose](): void;
}

export class PooledBuffer implements AdaptiveBuffer {
  readonly slice: Slice;
  readonly #usage: Usage;
  readonly #held: HeldBuffer | undefined;

  constructor(slice: Slice, usage: Usage, held?: HeldBuffer) {
    this.slice = slice;
    this.#usage = usage;
    this.#held = held;
  }

  get strategy(): 'pooled' {
    return 'pooled';
  }

  get bytes(): Uint8Array {
    return this.slice.bytes;
  }

  release(): void {
    this.slice.release();
    this.#usage.put();
    this.#held?.end();
  }

  [Symbol.dispose](): void {
    if (this.slice.live) this.release();
  }
}

export class PrivateBuffer implements AdaptiveBuffer {
  #place: Place | undefined;
  readonly #usage: Usage;
  readonly #home: PrivateMemory | undefined;
  readonly #lease: Slice | undefined;
  readonly #held: HeldBuffer | undefined;

  /**
   * @param home where its place is kept after its release, if it is to be used again
   * @param lease ends with it: a slice whose bytes nobody uses
   */
  constructor(
    place: Place,
    usage: Usage,
    home: PrivateMemory | undefined,
    lease?: Slice,
    held?: HeldBuffer,
  ) {
    this.#place = place;
    this.#usage = usage;
    this.#home = home;
    this.#lease = lease;
    this.#held = held;
  }

  get strategy(): 'direct' {
    return 'direct';
  }

  get slice(): undefined {
    return undefined;
  }

  get bytes(): Uint8Array {
    if (this.#place === undefined) throw released('use');
    return this.#place.bytes;
  }

  /** The first `count` of its bytes. */
  part(count: number): Uint8Array {
    if (this.#place === undefined) throw released('use');
    return this.#place.part(count);
  }

  release(): void {
    const place = this.#place;
    if (place === undefined) throw released('release');
    this.#place = undefined;
    this.#home?.give(place);
    this.#lease?.release();
    this.#usage.put();
    this.#held?.end();
  }

  [Symbol.dispose](): void {
    if (this.#place !== undefined) this.release();
  }
}

function released(action: string): MillraceError {
  return new MillraceError(
    'ERR_SLICE_STALE',
    `Cannot ${action} the private buffer as it was released`,
  );
}
