/**
 * Held buffers: what detailed metrics remember of each buffer until its release, to tell how long that
 * took, and who has forgotten one. They do not hold the buffer itself, so that it can be collected.
 */
import type { ObjectCategory } from './category.js';
import type { PlainStrategy } from './strategy.js';
import type { Usage } from './usage.js';

/** A buffer that has not been released. */
export interface BufferLeak {
  readonly byteLength: number;
  readonly category: ObjectCategory;
  readonly strategy: PlainStrategy;
  readonly heldMs: number;
  /** Whether nobody can release it any more: it was garbage-collected. */
  readonly forgotten: boolean;
}

export class HeldBuffer {
  readonly byteLength: number;
  readonly category: ObjectCategory;
  readonly strategy: PlainStrategy;
  readonly sinceNs: number;
  forgotten = false;
  readonly #all: HeldBuffers;

  constructor(
    all: HeldBuffers,
    byteLength: number,
    category: ObjectCategory,
    strategy: PlainStrategy,
    sinceNs: number,
  ) {
    this.#all = all;
    this.byteLength = byteLength;
    this.category = category;
    this.strategy = strategy;
    this.sinceNs = sinceNs;
  }

  end(): void {
    this.#all.end(this);
  }
}

export class HeldBuffers {
  readonly #usage: Usage;
  readonly #nowNs: () => number;
  readonly #held = new Set<HeldBuffer>();
  readonly #registry = new FinalizationRegistry<HeldBuffer>((held) => this.#collected(held));

  constructor(usage: Usage, nowNs: () => number) {
    this.#usage = usage;
    this.#nowNs = nowNs;
  }

  /** Makes a buffer that knows what is remembered of it, and notices if it is forgotten. */
  watched<Buffer extends object>(
    byteLength: number,
    category: ObjectCategory,
    strategy: PlainStrategy,
    make: (held: HeldBuffer) => Buffer,
  ): Buffer {
    const held = new HeldBuffer(this, byteLength, category, strategy, this.#nowNs());
    this.#held.add(held);
    const buffer = make(held);
    this.#registry.register(buffer, held);
    return buffer;
  }

  end(held: HeldBuffer): void {
    if (this.#held.delete(held)) this.#usage.took(held.category, this.#nowNs() - held.sinceNs);
  }

  /** Those that have been held for `ms` or longer, oldest first. */
  olderThan(ms: number): BufferLeak[] {
    const now = this.#nowNs();
    const leaks: BufferLeak[] = [];
    for (const { byteLength, category, strategy, sinceNs, forgotten } of this.#held) {
      const heldMs = (now - sinceNs) / 1e6;
      if (heldMs >= ms) leaks.push({ byteLength, category, strategy, heldMs, forgotten });
    }
    return leaks;
  }

  #collected(held: HeldBuffer): void {
    if (!this.#held.has(held)) return;
    held.forgotten = true;
    this.#usage.leaked();
  }
}
