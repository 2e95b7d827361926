/**
 * The CRC-32 of two pieces joined, from the CRCs of the pieces.
 *
 * A CRC is a polynomial over GF(2), bit-reversed; appending n bytes multiplies it by x^(8n) modulo
 * the generator. x^(8n) is put together from the powers x^(2^k).
 *
 * Source: zlib's crc32_combine (M. Adler), https://github.com/madler/zlib/blob/develop/crc32.c
 */

/** The generator, bit-reversed, without its x^32. */
const GENERATOR = 0xed_b8_83_20;
/** 1, in the reversed order: the highest bit is x^0. */
const ONE = 0x80_00_00_00;

/** a × b modulo the generator. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= b;
    b = (b & 1) !== 0 ? (b >>> 1) ^ GENERATOR : b >>> 1;
  }
  return product >>> 0;
}

/** POWERS[k] is x^(2^k). */
const POWERS: number[] = [ONE >>> 1];
for (let k = 1; k < 64; k++) POWERS.push(multiply(POWERS[k - 1]!, POWERS[k - 1]!));

/** x^(8 × bytes): what a CRC is multiplied with when `bytes` bytes follow. */
function shiftBy(bytes: number): number {
  let product = ONE;
  for (let k = 3, left = bytes; left > 0; k++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) product = multiply(POWERS[k]!, product);
  }
  return product;
}

let lastBytes = 0;
let lastShift = ONE;

/**
 * The CRC-32 of A followed by B.
 *
 * @param first the CRC of A
 * @param second the CRC of B
 * @param secondBytes the length of B in bytes
 */
export function crc32Combine(first: number, second: number, secondBytes: number): number {
  // Chunks are all of one length but the last.
  if (secondBytes !== lastBytes) {
    lastShift = shiftBy(secondBytes);
    lastBytes = secondBytes;
  }
  return (multiply(lastShift, first) ^ second) >>> 0;
}
