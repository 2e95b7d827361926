/** The mill, started when a file first needs one, with no more threads than the file can use. */
import type { Mill } from '@millrace/workers';

export class Mills {
  readonly #mostThreads: number;
  #mill: { mill: Mill; threads: number } | undefined;

  constructor(mostThreads: number) {
    this.#mostThreads = mostThreads;
  }

  /**
   * A mill for so many chunks, `undefined` when nobody knows how many. A file that can use more threads
   * than the one before gets a mill with all of them: starting threads anew is cheap beside its size.
   */
  async forChunks(chunks: number | undefined): Promise<Mill> {
    const useful = Math.max(1, Math.min(this.#mostThreads, chunks ?? this.#mostThreads));
    if (this.#mill && this.#mill.threads >= useful) return this.#mill.mill;
    const threads = this.#mill ? this.#mostThreads : useful;
    await this.close();
    const { createMill } = await import('@millrace/workers');
    const mill = await createMill({ threads });
    this.#mill = { mill, threads };
    return mill;
  }

  async close(): Promise<void> {
    const mill = this.#mill?.mill;
    this.#mill = undefined;
    await mill?.close();
  }
}
