/** The file beneath a mapped range: read into slices, and written out of them, several at a time. */
import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { MillraceError, type BufferPools } from '@millrace/core';
import { PAGE_BYTES, readFailure, writeFailure } from '@millrace/core/internal';
import { openDirect, whyNotDirect } from './direct-file.js';
import { bytesIn, firstOf, without } from './vectors.js';

export interface MappedFileTerms {
  readonly writable: boolean;
  /** Past the page cache, where that can be had. */
  readonly direct: boolean;
  /** Where the range begins. */
  readonly start: number;
}

export class MappedFile {
  readonly path: string;
  /** Why it is not read and written directly, though it was asked for. */
  readonly notes: readonly string[];
  /** Takes any range. */
  readonly #plain: FileHandle;
  /** Takes whole pages. */
  readonly #direct: FileHandle | undefined;

  private constructor(
    path: string,
    plain: FileHandle,
    direct: FileHandle | undefined,
    notes: readonly string[],
  ) {
    this.path = path;
    this.#plain = plain;
    this.#direct = direct;
    this.notes = notes;
  }

  /** @throws MillraceError `ERR_READ` when it cannot be opened, `ERR_INVALID_ARG` when it is no regular file */
  static async open(
    path: string,
    buffers: BufferPools,
    { writable, direct, start }: MappedFileTerms,
  ): Promise<MappedFile> {
    // To open a pipe would wait for its other end.
    const stats = await stat(path).catch(rejectAs(readFailure));
    if (!stats.isFile()) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot map ${path} as it is not a regular file: nothing else has bytes at positions`,
      );
    }
    const plain = await open(path, writable ? 'r+' : 'r').catch(rejectAs(readFailure));
    if (!direct) return new MappedFile(path, plain, undefined, []);
    let reason = whyNotDirect(buffers);
    if (start % PAGE_BYTES !== 0) {
      reason ??= `the range begins at byte ${start}, which is no multiple of ${PAGE_BYTES}`;
    }
    let second: FileHandle | undefined;
    if (reason === undefined) {
      try {
        second = await openDirect(path, writable ? constants.O_RDWR : constants.O_RDONLY);
      } catch (error) {
        reason = (error as Error).message;
      }
    }
    const notes = reason === undefined ? [] : [`Mapped ${path} by the page cache as ${reason}`];
    return new MappedFile(path, plain, second, notes);
  }

  /** Whether it is read and written past the page cache. */
  get direct(): boolean {
    return this.#direct !== undefined;
  }

  /** @throws MillraceError `ERR_READ` */
  async size(): Promise<number> {
    return (await this.#plain.stat().catch(rejectAs(readFailure))).size;
  }

  /**
   * Makes it `bytes` bytes long: those that it had not are zero.
   *
   * @throws MillraceError `ERR_WRITE`
   */
  async extend(bytes: number): Promise<void> {
    await this.#plain.truncate(bytes).catch(rejectAs(writeFailure));
  }

  /**
   * Fills `into`, whole pages, from `position` on, as far as the file goes.
   *
   * @returns how many bytes came
   * @throws MillraceError `ERR_READ`
   */
  async read(into: readonly Uint8Array[], position: number): Promise<number> {
    const handle = this.#direct ?? this.#plain;
    let got = 0;
    for (let left = into; left.length > 0;) {
      const reading = handle.readv(left, position + got);
      const { bytesRead } = await reading.catch(rejectAs(readFailure));
      got += bytesRead;
      // A direct read that ends within a page has met the end: to ask for more from there would be an error.
      if (bytesRead === 0 || (this.#direct && bytesRead % PAGE_BYTES !== 0)) break;
      left = without(left, bytesRead);
    }
    return got;
  }

  /**
   * Writes all of `parts` from `position` on; directly if that is a page's beginning, but for what does not
   * fill the last page.
   *
   * @throws MillraceError `ERR_WRITE`
   */
  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let at = position;
    for (let left = parts; left.length > 0;) {
      const bytes = bytesIn(left);
      const directly = this.#direct && at % PAGE_BYTES === 0 && bytes >= PAGE_BYTES;
      const writing = directly
        ? this.#direct.writev(firstOf(left, bytes - (bytes % PAGE_BYTES)), at)
        : this.#plain.writev(left, at);
      const { bytesWritten } = await writing.catch(rejectAs(writeFailure));
      at += bytesWritten;
      left = without(left, bytesWritten);
    }
  }

  /** @throws MillraceError `ERR_WRITE` */
  async sync(): Promise<void> {
    await this.#plain.datasync().catch(rejectAs(writeFailure));
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all([this.#direct?.close(), this.#plain.close()]);
  }
}

function rejectAs(failure: (cause: unknown) => MillraceError): (cause: unknown) => never {
  return (cause) => {
    throw failure(cause);
  };
}
