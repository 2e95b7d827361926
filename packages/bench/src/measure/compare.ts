/** Compares a stream with a file as the bytes come by, so that neither is ever whole in memory. */
import { open, type FileHandle } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

class Comparison extends Writable {
  readonly #expected: FileHandle;
  #position = 0;
  #buffer = Buffer.alloc(0);

  constructor(expected: FileHandle) {
    super();
    this.#expected = expected;
  }

  override _write(
    piece: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    this.#compare(piece).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#compareEnd().then(() => callback(), callback);
  }

  async #compare(piece: Buffer): Promise<void> {
    if (this.#buffer.length < piece.length) this.#buffer = Buffer.alloc(piece.length);
    let done = 0;
    while (done < piece.length) {
      const { bytesRead } = await this.#expected.read(
        this.#buffer,
        0,
        piece.length - done,
        this.#position,
      );
      if (bytesRead === 0) throw new Error(`there is more than the ${this.#position} bytes wanted`);
      if (piece.compare(this.#buffer, 0, bytesRead, done, done + bytesRead) !== 0) {
        throw new Error(
          `a byte differs between ${this.#position} and ${this.#position + bytesRead}`,
        );
      }
      done += bytesRead;
      this.#position += bytesRead;
    }
  }

  async #compareEnd(): Promise<void> {
    const { size } = await this.#expected.stat();
    if (this.#position !== size) throw new Error(`it ends at byte ${this.#position} of ${size}`);
  }
}

/**
 * Decompresses `compressed` with Node's own gunzip, which knows nothing of ours, and compares the
 * result with `original` byte for byte.
 *
 * @throws Error when they differ, that says where; zlib's error when it is not gzip data
 */
export async function verifyGzip(compressed: string, original: string): Promise<void> {
  const expected = await open(original);
  try {
    await pipeline(createReadStream(compressed), createGunzip(), new Comparison(expected));
  } finally {
    await expected.close();
  }
}
