/** Lends slices as chunks, and keeps the books. */
import { BufferPools, type Chunk, type ChunkSource, type Slice } from '@millrace/core';
import { OWNER } from '../memory.ts';

export class Lender implements ChunkSource {
  readonly pools = BufferPools.create({ memory: 64 * 2 ** 20 }, OWNER);
  /** Slots that were lent since the last {@link reset}. */
  readonly slots = new Set<number>();
  takes = 0;
  /** How many may be out at a time. */
  most = Infinity;
  /** Whether a chunk that is waited for comes later, as it may with pools that are exhausted. */
  late = false;
  readonly #waiting: (() => void)[] = [];

  get out(): number {
    return this.pools.stats().slices.live;
  }

  reset({ most = Infinity, late = false } = {}): void {
    this.slots.clear();
    this.takes = 0;
    this.most = most;
    this.late = late;
  }

  /** How many are out once those that are still being waited for have come and gone. */
  async outInTheEnd(): Promise<number> {
    for (let turns = 0; turns < 1000 && (this.out > 0 || this.#waiting.length > 0); turns++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.out;
  }

  take(bytes: number): Chunk | Promise<Chunk> {
    const chunk = this.late ? undefined : this.tryTake(bytes);
    return chunk ?? this.#wait(bytes);
  }

  tryTake(bytes: number): Chunk | undefined {
    return this.out < this.most ? this.#lend(this.pools.acquire(bytes)) : undefined;
  }

  async #wait(bytes: number): Promise<Chunk> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.out >= this.most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#lend(this.pools.acquire(bytes));
  }

  #lend(slice: Slice): Chunk {
    this.takes++;
    this.slots.add(slice.ref);
    return {
      bytes: slice.bytes,
      release: () => {
        slice.release();
        for (const wake of this.#waiting.splice(0)) wake();
      },
    };
  }
}
