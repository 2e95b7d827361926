/**
 * gunzip in one thread, for files of any origin: several members, padding and trailing garbage included.
 * Inflating happens on libuv's threads, so that the event loop stays free.
 */
import { crc32, createInflateRaw } from 'node:zlib';
import { MillraceError } from '@millrace/core';
import { BufferedInput } from './buffered-input.js';
import { aborted, type FlowOptions, type FlowProgress, type Sink } from './flow.js';
import { atMember, take, takeHeader, truncated } from './gzip-header.js';
import { writing } from './io-error.js';
import { transfer } from './pump.js';
import type { FlowSource } from './source.js';
import type { FlowTarget } from './target.js';

const OUTPUT_BYTES = 128 * 1024;

export interface DecompressOptions extends FlowOptions {
  from: FlowSource;
  to: FlowTarget;
}

export interface DecompressReport {
  bytesIn: number;
  bytesOut: number;
  members: number;
  /** Bytes after the last member that are neither a member nor zeros. They were ignored. */
  trailingBytes: number;
  elapsedMs: number;
}

/**
 * Decompresses a gzip file.
 *
 * @throws MillraceError `ERR_INPUT_FORMAT` when it is not gzip data, cut short or damaged; `ERR_ABORTED`
 */
export function decompress(options: DecompressOptions): Promise<DecompressReport> {
  const { from, to, signal, onProgress } = options;
  return transfer(from, to, signal, async (source, sink) => {
    const input = new BufferedInput(source.reader, signal);
    const gunzip = new Gunzip(input, sink, (progress) =>
      onProgress?.({ ...progress, totalBytes: source.totalBytes }),
    );
    const onAbort = (): void => sink.abort?.(aborted(signal?.reason));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await gunzip.run();
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  });
}

class Gunzip {
  readonly #input: BufferedInput;
  readonly #sink: Sink;
  readonly #tell: (progress: Omit<FlowProgress, 'totalBytes'>) => void;
  readonly #startedAt = performance.now();
  #bytesOut = 0;

  constructor(
    input: BufferedInput,
    sink: Sink,
    tell: (progress: Omit<FlowProgress, 'totalBytes'>) => void,
  ) {
    this.#input = input;
    this.#sink = sink;
    this.#tell = tell;
  }

  async run(): Promise<DecompressReport> {
    if (!(await atMember(this.#input))) {
      const empty = (await this.#input.peek()).length === 0;
      throw empty
        ? truncated()
        : new MillraceError(
            'ERR_INPUT_FORMAT',
            'Cannot decompress as the input is not in gzip format',
          );
    }
    let members = 0;
    do {
      await takeHeader(this.#input);
      await this.#member();
      members++;
      await this.#skipZeros();
    } while (await atMember(this.#input));
    const trailingBytes = await this.#skipAll();
    return {
      bytesIn: this.#input.taken,
      bytesOut: this.#bytesOut,
      members,
      trailingBytes,
      elapsedMs: performance.now() - this.#startedAt,
    };
  }

  /** One member's data and trailer. */
  async #member(): Promise<void> {
    let crc = 0;
    let length = 0;
    await this.#inflate(async (part) => {
      crc = crc32(part, crc);
      length = (length + part.length) % 2 ** 32;
      await writing(this.#sink.write([part]));
      this.#bytesOut += part.length;
    });
    const trailer = await take(this.#input, 8);
    const view = new DataView(trailer.buffer, trailer.byteOffset, 8);
    if (view.getUint32(0, true) !== crc || view.getUint32(4, true) !== length) {
      throw new MillraceError(
        'ERR_INPUT_FORMAT',
        'Cannot trust the output as its checksum or length differs from what the gzip trailer says',
      );
    }
  }

  async #inflate(emit: (part: Buffer) => Promise<void>): Promise<void> {
    const inflate = createInflateRaw({ chunkSize: OUTPUT_BYTES });
    let ended = false;
    const output = (async () => {
      for await (const part of inflate) await emit(part as Buffer);
      ended = true;
    })();
    // Its failure is met below, where it is awaited; until then it is nobody's fault.
    output.catch(() => {});
    try {
      while (!ended) {
        const piece = await this.#input.peek();
        if (piece.length === 0) {
          inflate.end();
          break;
        }
        const before = inflate.bytesWritten;
        // The stream calls back when it has taken the piece, or ends when its data does: within the piece.
        await Promise.race([output, written(inflate, piece)]);
        this.#input.take(inflate.bytesWritten - before);
        this.#tell({
          bytesIn: this.#input.taken,
          bytesOut: this.#bytesOut,
          elapsedMs: performance.now() - this.#startedAt,
        });
      }
      await output;
    } catch (cause) {
      inflate.destroy();
      // A write under way ends first: nobody writes once this has settled.
      await output.catch(() => {});
      throw this.#explain(cause);
    }
  }

  #explain(cause: unknown): unknown {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'Z_BUF_ERROR') return truncated();
    if (!code?.startsWith('Z_')) return cause;
    return new MillraceError(
      'ERR_INPUT_FORMAT',
      `Cannot decompress as the data is damaged near byte ${this.#input.taken}: ${(cause as Error).message}`,
      { cause },
    );
  }

  async #skipZeros(): Promise<void> {
    for (;;) {
      const ahead = await this.#input.peek();
      const content = ahead.findIndex((byte) => byte !== 0);
      this.#input.take(content < 0 ? ahead.length : content);
      if (content >= 0 || ahead.length === 0) return;
    }
  }

  async #skipAll(): Promise<number> {
    let skipped = 0;
    for (;;) {
      const ahead = await this.#input.peek();
      if (ahead.length === 0) return skipped;
      skipped += ahead.length;
      this.#input.take(ahead.length);
    }
  }
}

function written(inflate: NodeJS.WritableStream, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    inflate.write(piece, (error) => (error ? reject(error) : resolve()));
  });
}
