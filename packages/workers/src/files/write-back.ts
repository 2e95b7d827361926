/**
 * Writes what has been changed of a mapped range back to its file: neighbours in one call, each change
 * once. What could not be written counts as changed again.
 *
 *   chunks   │····███│███████│██·····│·······│··█····│
 *   writes         └────────────┘               └┘
 */
import { MillraceError } from '@millrace/core';
import { PAGE_BYTES } from '@millrace/core/internal';
import type { MappedChunk, Stretch } from './mapped-chunk.js';
import type { MappedFile } from './mapped-file.js';

/** The most pieces in one write; systems take 1024. */
const MOST_PARTS = 64;

interface Change {
  readonly chunk: MappedChunk;
  readonly stretch: Stretch;
}

export class WriteBack {
  bytesWritten = 0;
  writes = 0;
  readonly #file: MappedFile;
  readonly #start: number;
  readonly #chunkBytes: number;
  /** Settles when the one before is done. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param start where the range begins in the file */
  constructor(file: MappedFile, start: number, chunkBytes: number) {
    this.#file = file;
    this.#start = start;
    this.#chunkBytes = chunkBytes;
  }

  /**
   * Writes the changes of the chunks that `choose` gives when their turn has come: they must be in order,
   * and in use until it settles.
   *
   * @returns how many bytes that were
   * @throws MillraceError `ERR_WRITE`; `ERR_INPUT_CHANGED` when the file has become too short for them
   */
  run(choose: () => readonly MappedChunk[], sync: boolean): Promise<number> {
    const done = this.#last.then(() => this.#write(choose(), sync));
    this.#last = done.catch(() => {});
    return done;
  }

  async #write(chunks: readonly MappedChunk[], sync: boolean): Promise<number> {
    const changes = chunks.map((chunk) => ({ chunk, stretch: this.#whole(chunk) }));
    let bytes = 0;
    let written = 0;
    try {
      if (changes.length > 0) await this.#checkSize(changes.at(-1)!);
      for (const run of this.#runs(changes)) {
        const parts = run.map(({ chunk, stretch: { from, to } }) =>
          chunk.slice.bytes.subarray(from, to),
        );
        await this.#file.write(parts, this.#positionOf(run[0]!));
        this.writes++;
        written += run.length;
        for (const part of parts) bytes += part.length;
      }
      if (sync) {
        // What the system could not put on the disk may be lost there: it is written once more.
        await this.#file.sync().catch((error: unknown) => {
          written = 0;
          throw error;
        });
      }
    } catch (error) {
      for (const { chunk, stretch } of changes.slice(written)) chunk.soil(stretch);
      throw error;
    } finally {
      this.bytesWritten += bytes;
    }
    return bytes;
  }

  /** What has been changed of `chunk`; whole pages, where the file takes these alone. */
  #whole(chunk: MappedChunk): Stretch {
    const { from, to } = chunk.clean();
    if (!this.#file.direct) return { from, to };
    return {
      from: Math.floor(from / PAGE_BYTES) * PAGE_BYTES,
      to: Math.min(chunk.length, Math.ceil(to / PAGE_BYTES) * PAGE_BYTES),
    };
  }

  /** Changes that touch each other, together. */
  *#runs(changes: readonly Change[]): Generator<readonly Change[]> {
    let run: Change[] = [];
    for (const change of changes) {
      const last = run.at(-1);
      const follows =
        last !== undefined &&
        run.length < MOST_PARTS &&
        change.chunk.index === last.chunk.index + 1 &&
        last.stretch.to === this.#chunkBytes &&
        change.stretch.from === 0;
      if (!follows && run.length > 0) {
        yield run;
        run = [];
      }
      run.push(change);
    }
    if (run.length > 0) yield run;
  }

  #positionOf({ chunk, stretch }: Change): number {
    return this.#start + chunk.index * this.#chunkBytes + stretch.from;
  }

  /** To write behind the end of a file that somebody has cut would make it as long again, with a hole. */
  async #checkSize({ chunk, stretch }: Change): Promise<void> {
    const size = await this.#file.size();
    const end = this.#start + chunk.index * this.#chunkBytes + stretch.to;
    if (size >= end) return;
    throw new MillraceError(
      'ERR_INPUT_CHANGED',
      `Cannot write ${this.#file.path} up to byte ${end} as it has become ${size} bytes long since it was mapped`,
    );
  }
}
