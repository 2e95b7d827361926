/**
 * The arenas of one memory: the bytes of slab n lie in arena n / slabsPerArena.
 *
 * All arenas are reserved when the memory is made, which takes address range and nothing else; so a
 * slab that one thread opens is reachable from every other without a message. Pages that were once
 * written stay resident until their arena is dropped. That is done by renewing it: the thread that
 * made the memory puts a fresh one in its place, tells the others of it ({@link ArenaRenewal}), and
 * counts up its EPOCH in the control block. Memory that no thread refers to any more is unmapped by
 * the garbage collector.
 *
 * A thread that meets an epoch which it does not know calls `onUnknown`, to take in the messages that
 * were sent before the epoch was counted up.
 */
import { MillraceError } from '../errors.js';
import { Arena, WASM_PAGE_BYTES, type ArenaHandle } from './arena.js';
import type { Geometry } from './geometry.js';
import type { ControlLayout } from './layout.js';

/** Tells another thread that an arena was replaced by an empty one. */
export interface ArenaRenewal {
  readonly index: number;
  readonly epoch: number;
  readonly arena: ArenaHandle;
}

/** How long a thread looks for a message that was sent already. */
const TELLING_MS = 1000;

interface Known {
  readonly arena: Arena;
  readonly epoch: number;
}

export class Arenas {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  readonly #geometry: Geometry;
  readonly #known: Known[];
  /** Called, synchronously, when an arena turns out to be newer than this thread knows. */
  onUnknown: (() => void) | undefined;

  private constructor(
    words: Int32Array,
    layout: ControlLayout,
    geometry: Geometry,
    known: Known[],
  ) {
    this.#words = words;
    this.#layout = layout;
    this.#geometry = geometry;
    this.#known = known;
  }

  /** @throws MillraceError `ERR_ARENA_UNAVAILABLE` when the system refuses */
  static create(words: Int32Array, layout: ControlLayout, geometry: Geometry): Arenas {
    const known: Known[] = [];
    for (let index = 0; index < layout.arenas; index++) {
      known.push({ arena: Arena.create(bytesOf(layout, geometry, index)), epoch: 0 });
    }
    return new Arenas(words, layout, geometry, known);
  }

  /** @throws MillraceError `ERR_BAD_HANDLE` when some are missing, or are of another size */
  static attach(
    words: Int32Array,
    layout: ControlLayout,
    geometry: Geometry,
    renewals: readonly ArenaRenewal[],
  ): Arenas {
    const known = renewals.map((renewal) => ({
      arena: Arena.attach(renewal?.arena),
      epoch: renewal?.epoch,
    }));
    const whole =
      known.length === layout.arenas &&
      known.every(
        ({ arena, epoch }, index) =>
          Number.isInteger(epoch) && arena.maxBytes === bytesOf(layout, geometry, index),
      );
    if (!whole) {
      throw new MillraceError('ERR_BAD_HANDLE', 'Cannot attach memory as parts of it are missing');
    }
    return new Arenas(words, layout, geometry, known);
  }

  /** What another thread needs to attach them all. */
  get handles(): ArenaRenewal[] {
    return this.#known.map(({ arena, epoch }, index) => ({ index, epoch, arena: arena.handle }));
  }

  get all(): readonly Arena[] {
    return this.#known.map(({ arena }) => arena);
  }

  /** Bytes that have been made addressable, and not been dropped since. */
  get openBytes(): number {
    return this.#known.reduce((sum, { arena }) => sum + arena.byteLength, 0);
  }

  /**
   * The arena in which `slab` lies now.
   *
   * @throws MillraceError `ERR_ARENA_UNKNOWN` when it was renewed and this thread has not been told
   */
  of(slab: number): Arena {
    const index = Math.floor(slab / this.#layout.slabsPerArena);
    const epoch = Atomics.load(this.#words, this.#layout.arenasAt + index);
    if (this.#known[index]!.epoch !== epoch) {
      // A message may become readable a moment later than words that were stored after it.
      const deadlineMs = performance.now() + TELLING_MS;
      while (this.#known[index]!.epoch < epoch && performance.now() < deadlineMs) {
        if (!this.onUnknown) break;
        this.onUnknown();
      }
      if (this.#known[index]!.epoch < epoch) {
        throw new MillraceError(
          'ERR_ARENA_UNKNOWN',
          `Cannot reach slab ${slab} as its arena was renewed and this thread has not been told yet`,
        );
      }
    }
    return this.#known[index]!.arena;
  }

  /** Where `slab` begins in its arena, in bytes. */
  offsetOf(slab: number): number {
    return (slab % this.#layout.slabsPerArena) * this.#geometry.slabStride;
  }

  /** Makes the bytes of `slab` addressable; any thread may. */
  ensure(slab: number): void {
    this.of(slab).ensure(this.offsetOf(slab) + this.#geometry.slabStride);
  }

  /**
   * Puts a fresh arena in the place of one whose slabs are all unused, and held so by the caller.
   *
   * @param tell sends the renewal to every other thread; whoever attaches later gets it with the handle
   */
  renew(index: number, tell: (renewal: ArenaRenewal) => void): void {
    const epoch = this.#known[index]!.epoch + 1;
    const arena = Arena.create(bytesOf(this.#layout, this.#geometry, index));
    this.#known[index] = { arena, epoch };
    tell({ index, epoch, arena: arena.handle });
    // Publishes: whoever sees this epoch can find the message.
    Atomics.store(this.#words, this.#layout.arenasAt + index, epoch);
  }

  /**
   * Takes in what the thread that made the memory told.
   *
   * @throws MillraceError `ERR_BAD_HANDLE` when it is no renewal of this memory
   */
  take(renewal: ArenaRenewal): void {
    const { index, epoch } = renewal ?? {};
    const known = this.#known[index];
    if (known === undefined || !Number.isInteger(epoch)) {
      throw new MillraceError('ERR_BAD_HANDLE', 'Cannot renew an arena that is not of this memory');
    }
    if (epoch <= known.epoch) return;
    const arena = Arena.attach(renewal.arena);
    if (arena.maxBytes !== known.arena.maxBytes) {
      throw new MillraceError('ERR_BAD_HANDLE', 'Cannot renew an arena by one of another size');
    }
    this.#known[index] = { arena, epoch };
  }
}

/** The size of arena `index`: the last may be smaller than the others. */
function bytesOf(layout: ControlLayout, geometry: Geometry, index: number): number {
  const slabs = Math.min(layout.slabs - index * layout.slabsPerArena, layout.slabsPerArena);
  return Math.ceil((slabs * geometry.slabStride) / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
}
