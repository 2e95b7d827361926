/** Bytes and words that can be told from any others by their place alone. */

/** The byte that belongs at `position` of an endless stream, whose positions count to 2^31. */
export function byteAt(position: number): number {
  return (Math.imul(position & 0x7fff_ffff, 0x9e3779b1) >>> 24) ^ (position & 0xff);
}

/** Fills `target` with the stream's bytes from `position` on. */
export function fillFrom(position: number, target: Uint8Array): Uint8Array {
  for (let i = 0; i < target.length; i++) target[i] = byteAt(position + i);
  return target;
}
