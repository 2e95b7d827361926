/** The same work on a file's bytes in three ways: in place, to an output, and by a stream of Node's. */
import { createReadStream, createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { defineOp } from '@millrace/workers';

const KiB = 1024;
const MASK = 0x5a;

/** Its chunks stay at their positions, so that workers write them. */
export const maskInPlace = defineOp(import.meta.url, 'maskInPlace', {
  inPlace: true,
  split: { size: 256 * KiB },
  run: (bytes) => mask(bytes, bytes),
});

/** Its output might be of any size, so that the main thread writes it in order. */
export const maskToOutput = defineOp(import.meta.url, 'maskToOutput', {
  outputBound: (bytes) => bytes,
  split: { size: 256 * KiB },
  run(bytes, _params, { output }) {
    mask(bytes, output);
    return bytes.length;
  },
});

export function maskPipeline(from: string, to: string): Promise<void> {
  const masking = new Transform({
    transform(piece: Buffer, _encoding, callback) {
      mask(piece, piece);
      callback(null, piece);
    },
  });
  const highWaterMark = 256 * KiB;
  return pipeline(createReadStream(from, { highWaterMark }), masking, createWriteStream(to));
}

function mask(from: Uint8Array, to: Uint8Array): void {
  for (let i = 0; i < from.length; i++) to[i] = from[i]! ^ MASK;
}
