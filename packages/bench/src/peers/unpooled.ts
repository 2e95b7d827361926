/**
 * Copies and tees as one writes them in Node without a pool: what bytes go through is fresh, and garbage
 * afterwards. There are two plain ways to do that.
 *
 *   whole    one buffer for all of the object, as `readFile` has
 *   chunks   a buffer of 64 KiB, or what is left, for each piece, as the stream of a file has
 *
 * The copy knows that its ends answer at once, and is as short as it can be. The tee lets each of its
 * consumers wait, as one must that has two.
 */

/** Where bytes come from: the number of those it has put into the buffer, 0 at the end. */
interface Source {
  read(into: Uint8Array): number;
}

interface Sink {
  write(bytes: Uint8Array): void;
}

interface PatientSink {
  write(bytes: Uint8Array): void | Promise<void>;
  close(): void | Promise<void>;
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
export async function teeUnpooled(
  [one, other]: readonly [PatientSink, PatientSink],
  from: Source,
  size: number,
  way: UnpooledWay,
): Promise<number> {
  let bytes = 0;
  for (let left = size; left > 0;) {
    const piece = readFresh(from, way === 'whole' ? left : Math.min(left, STREAM_BYTES));
    if (piece.length === 0) break;
    await Promise.all([one.write(piece), other.write(piece)]);
    bytes += piece.length;
    left -= piece.length;
  }
  await Promise.all([one.close(), other.close()]);
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
