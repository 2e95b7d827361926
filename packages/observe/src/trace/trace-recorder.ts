/**
 * Records what a manager tells in a trace file: a collector that a monitor, or a manager itself, hands its events to.
 *
 *   event ──▶ line ──▶ batch ──64 KiB──▶ file, asynchronously
 *
 * Nobody waits for the file. What comes while more than `maxBacklogBytes` wait to be written is dropped, and
 * counted: seen = recorded + dropped.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { MillraceError, type BufferEvent } from '@millrace/core';
import { traceEventOf } from './trace-event.js';
import { TRACE_HEADER, lineOf } from './trace-format.js';

const BATCH_CHARS = 64 * 1024;

export interface TraceRecorderOptions {
  /** The most characters that wait to be written. @defaultValue 16 MiB */
  readonly maxBacklogBytes?: number;
}

export interface TraceRecorderMetrics {
  /** Events that came. */
  readonly seen: number;
  /** Events that are in the file, or about to be. */
  readonly recorded: number;
  /** Events that are not: there was no room, the recorder was closed, or the file could not be written. */
  readonly dropped: number;
}

export class TraceRecorder {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #most: number;
  #batch = TRACE_HEADER;
  #batched = 0;
  #backlog = 0;
  #written: Promise<void> = Promise.resolve();
  #failure: unknown;
  #closed: Promise<void> | undefined;
  #counts = { recorded: 0, dropped: 0 };

  private constructor(path: string, file: FileHandle, most: number) {
    this.#path = path;
    this.#file = file;
    this.#most = most;
  }

  /**
   * Makes the file, or empties it.
   *
   * @throws MillraceError `ERR_WRITE`; `ERR_INVALID_ARG` for a backlog that is no positive number
   */
  static async open(path: string, options: TraceRecorderOptions = {}): Promise<TraceRecorder> {
    const { maxBacklogBytes = 16 * 1024 * 1024 } = options;
    if (!(maxBacklogBytes > 0)) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot record a trace with "maxBacklogBytes" of ${String(maxBacklogBytes)} as it must be positive`,
      );
    }
    try {
      return new TraceRecorder(path, await open(path, 'w'), maxBacklogBytes);
    } catch (error) {
      throw failed(path, error);
    }
  }

  collectEvent(event: BufferEvent): void {
    if (this.#closed || this.#failure !== undefined || this.#backlog >= this.#most) {
      this.#counts.dropped++;
      return;
    }
    this.#counts.recorded++;
    this.#batched++;
    this.#batch += lineOf(traceEventOf(event));
    if (this.#batch.length >= BATCH_CHARS) this.#flush();
  }

  metrics(): TraceRecorderMetrics {
    const { seen, recorded, dropped } = this;
    return { seen, recorded, dropped };
  }

  get seen(): number {
    return this.recorded + this.dropped;
  }

  get recorded(): number {
    return this.#counts.recorded;
  }

  get dropped(): number {
    return this.#counts.dropped;
  }

  /** Counts from 0 again; the file goes on. */
  reset(): void {
    this.#flush();
    this.#counts = { recorded: 0, dropped: 0 };
  }

  /**
   * Writes what waits, and closes the file. What comes later is dropped.
   *
   * @throws MillraceError `ERR_WRITE` when the file does not hold all that was recorded
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#flush();
    await this.#written;
    try {
      await this.#file.close();
    } catch (error) {
      this.#failure ??= error;
    }
    if (this.#failure !== undefined) throw failed(this.#path, this.#failure);
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch === '') return;
    const events = this.#batched;
    const counts = this.#counts;
    this.#batch = '';
    this.#batched = 0;
    this.#backlog += batch.length;
    this.#written = this.#written.then(async () => {
      try {
        if (this.#failure === undefined) await this.#file.appendFile(batch);
      } catch (error) {
        this.#failure = error;
      }
      this.#backlog -= batch.length;
      if (this.#failure === undefined) return;
      counts.recorded -= events;
      counts.dropped += events;
    });
  }
}

function failed(path: string, cause: unknown): MillraceError {
  return new MillraceError('ERR_WRITE', `Cannot record a trace in ${path}`, { cause });
}
