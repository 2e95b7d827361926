/** Bytes to work on: the same on every run. */
import { createCipheriv } from 'node:crypto';

const KiB = 1024;

export const MiB = 1024 * KiB;
/** How much input gzip takes in one block. */
export const BLOCK = 224 * KiB;

const WORDS =
  'the mill race carries fast water to wheels that turn stones and grind corn while the miller sleeps'.split(
    ' ',
  );
const TEXT = proseOf(1_000_003);

/** Words and numbers: compresses well, but not absurdly so. */
export function text(bytes: number): Buffer {
  const whole = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes; at += TEXT.length) TEXT.copy(whole, at);
  return whole;
}

/** Does not compress at all. */
export function noise(bytes: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'key'), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(bytes));
}

/** Compresses as well as anything can. */
export function zeros(bytes: number): Buffer {
  return Buffer.alloc(bytes);
}

/** Each kind by its name. */
export const kinds = { text, noise, zeros };

function proseOf(bytes: number): Buffer {
  let seed = 1;
  const lines: string[] = [];
  for (let length = 0; length < bytes; length += lines.at(-1)!.length) {
    seed = (seed * 48_271) % 2_147_483_647;
    const word = WORDS[seed % WORDS.length]!;
    lines.push(seed % 11 === 0 ? `${word} ${seed}\n` : `${word} `);
  }
  return Buffer.from(lines.join('')).subarray(0, bytes);
}
