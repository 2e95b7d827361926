/**
 * Copies and tees as one writes them in Node without a pool: what bytes go through is fresh, and garbage
 * afterwards. There are two plain ways to do that.
 *
 *   whole    one buffer for all of the object, as `readFile` has
 *   chunks   a buffer of 64 KiB, or what is left, for each piece, as the stream of a file has
 *
 * The ends answer at once, and these loops know it: they are as short as they can be.
 */

/** Where bytes come from: the number of those it has put into the buffer, 0 at the end. */
interface Source {
  read(into: Uint8Array): number;
}

interface Sink {
  write(bytes: Uint8Array): void;
  close(): void;
}

export type UnpooledWay = 'whole' | 'chunks';

export const UNPOOLED_WAYS: readonly UnpooledWay[] = ['whole', 'chunks'];

/** What the stream of a file reads at a time. */
const STREAM_BYTES = 64 * 1024;

/** Copies an object of `size` bytes; returns how many it had. */
export function copyUnpooled(to: Sink, from: Source, size: number, way: UnpooledWay): number {
  let bytes = 0;
  for (let left = size; left > 0;) {
    const piece = readFresh(from, way === 'whole' ? left : Math.min(left, STREAM_BYTES));
    if (piece.length === 0) break;
    to.write(piece);
    bytes += piece.length;
    left -= piece.length;
  }
  return bytes;
}

/** Copies an object of `size` bytes to two sinks, and closes them. */
export function teeUnpooled(
  one: Sink,
  other: Sink,
  from: Source,
  size: number,
  way: UnpooledWay,
): number {
  const both = {
    write(bytes: Uint8Array): void {
      one.write(bytes);
      other.write(bytes);
    },
    close(): void {
      one.close();
      other.close();
    },
  };
  const bytes = copyUnpooled(both, from, size, way);
  both.close();
  return bytes;
}

/** The next `bytes` bytes, or fewer at the end. */
function readFresh(from: Source, bytes: number): Uint8Array {
  const buffer = Buffer.allocUnsafe(bytes);
  let filled = 0;
  while (filled < bytes) {
    const count = from.read(filled === 0 ? buffer : buffer.subarray(filled));
    if (count === 0) break;
    filled += count;
  }
  return filled === bytes ? buffer : buffer.subarray(0, filled);
}
