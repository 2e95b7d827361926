/** Vectors: the pieces of memory that one read fills, or one write empties, in order. */

export function bytesIn(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** The parts that hold the first `bytes` bytes. */
export function firstOf(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const first: Uint8Array[] = [];
  for (const part of parts) {
    if (left <= 0) break;
    first.push(left < part.length ? part.subarray(0, left) : part);
    left -= part.length;
  }
  return first;
}

/** The parts that remain when the first `bytes` bytes are gone. */
export function without(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let done = bytes;
  const left: Uint8Array[] = [];
  for (const part of parts) {
    if (done >= part.length) {
      done -= part.length;
    } else {
      left.push(done > 0 ? part.subarray(done) : part);
      done = 0;
    }
  }
  return left;
}
