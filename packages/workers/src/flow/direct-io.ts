/**
 * Direct I/O: files are read and written past the system's page cache, which a large object would only
 * sweep out. It wants whole pages, in memory as in the file, and not every system, file system or file
 * has it. Where it cannot be had the plain way is taken, and a note says why.
 */
import { constants, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { BufferPools } from '@millrace/core';
import { PAGE_BYTES } from '@millrace/core/internal';
import { O_DIRECT, openDirect, page, whyNotDirect } from '../files/direct-file.js';
import type { Configured } from '../ops/configurations.js';

/** What a flow wants of direct I/O, and what came of it. */
export class DirectIo {
  /** Why something was read or written the plain way. */
  readonly notes: string[] = [];
  readonly #whyNot: string | undefined;
  readonly #whyNotWritten: string | undefined;

  constructor(buffers: BufferPools, config: Configured) {
    this.#whyNot = whyNotDirect(buffers);
    if (config.kind !== 'in-place') {
      this.#whyNotWritten = 'pieces of its output need not be whole pages';
    } else if (config.definition.split!.size % PAGE_BYTES !== 0) {
      this.#whyNotWritten = `its chunks are not whole pages of ${PAGE_BYTES} bytes`;
    }
  }

  /** Opens a file for direct reads of whole pages; `undefined` when it cannot be had. */
  async openToRead(
    path: string,
    suits: (stats: Stats) => boolean,
  ): Promise<FileHandle | undefined> {
    const reason = this.#whyNot ?? (await unsuitable(path, suits));
    if (reason !== undefined) return this.#note(`Read ${path} through the page cache as ${reason}`);
    try {
      return await openDirect(path, constants.O_RDONLY);
    } catch (error) {
      return this.#note(`Read ${path} through the page cache as ${messageOf(error)}`);
    }
  }

  /** Opens an empty file of ours a second time, for direct writes; `undefined` when it cannot be had. */
  async openToWrite(path: string, shown: string): Promise<FileHandle | undefined> {
    const reason = this.#whyNot ?? this.#whyNotWritten;
    const what = `Wrote ${shown} through the page cache as`;
    if (reason !== undefined) return this.#note(`${what} ${reason}`);
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, constants.O_WRONLY | O_DIRECT!);
      await handle.write(page(), 0, PAGE_BYTES, 0);
      await handle.truncate(0);
      return handle;
    } catch (error) {
      await handle?.close();
      return this.#note(`${what} ${messageOf(error).replaceAll(path, shown)}`);
    }
  }

  /** A source or target that direct I/O has nothing to do with. */
  notFile(what: 'source' | 'target'): void {
    this.#note(
      what === 'source'
        ? 'Read the source as it came as it is not the path of a file'
        : 'Wrote in order as several targets share the output',
    );
  }

  #note(note: string): undefined {
    this.notes.push(note);
  }
}

async function unsuitable(
  path: string,
  suits: (stats: Stats) => boolean,
): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats && !suits(stats) ? 'it is not a file with bytes on a disk' : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
