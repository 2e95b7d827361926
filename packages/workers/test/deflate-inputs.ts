/** Inputs that are hard on a compressor, each by its name, for any size. */
import { kinds } from './content.ts';

/** A small generator, so that a failure can be repeated. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function filled(size: number, byteAt: (index: number) => number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => byteAt(index));
}

/** Byte n occurs as often as the nth Fibonacci number: the deepest tree there is for so many symbols. */
function fibonacci(size: number, seed: number): Uint8Array {
  const random = randomOf(seed);
  const counts = [1, 1];
  while (counts.length < 24) counts.push(counts.at(-1)! + counts.at(-2)!);
  const whole = counts.reduce((sum, count) => sum + count);
  return filled(size, () => {
    let left = random(whole);
    return counts.findIndex((count) => (left -= count) < 0);
  });
}

/** Copies of what stands before, of all lengths and distances, between bytes of an alphabet. */
export function copies(
  size: number,
  seed: number,
  { alphabet = 256, farthest = 40_000, longest = 300, share = 3 } = {},
): Uint8Array {
  const random = randomOf(seed);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    if (at > 0 && random(share) > 0) {
      const distance = 1 + random(Math.min(at, farthest));
      const end = Math.min(size, at + 1 + random(longest));
      for (; at < end; at++) bytes[at] = bytes[at - distance]!;
    } else {
      bytes[at++] = random(alphabet);
    }
  }
  return bytes;
}

/** A stretch of noise that comes again exactly so many bytes later, and once more a byte farther. */
function repeatsAt(distance: number): (size: number) => Uint8Array {
  return (size) => {
    const bytes = Uint8Array.from(kinds.noise(size));
    for (let at = distance; at < size; at += 1000) {
      const length = 3 + (at % 290);
      const far = at % 2000 === 0 ? distance + 1 : distance;
      if (at >= far) bytes.copyWithin(at, at - far, Math.min(at - far + length, size));
    }
    return bytes;
  };
}

export const inputs: Record<string, (size: number, seed: number) => Uint8Array> = {
  text: kinds.text,
  noise: kinds.noise,
  zeros: kinds.zeros,
  'one byte again and again': (size, seed) => new Uint8Array(size).fill(seed),
  'every byte in turn': (size) => filled(size, (index) => index),
  'a ramp of pairs': (size) => filled(size, (index) => (index % 2 === 0 ? index >> 9 : index >> 1)),
  'Fibonacci frequencies': fibonacci,
  'two symbols': (size, seed) => {
    const random = randomOf(seed);
    return filled(size, () => random(2));
  },
  'rare symbols in zeros': (size, seed) => {
    const random = randomOf(seed);
    return filled(size, () => (random(400) === 0 ? random(256) : 0));
  },
  'a short period': (size, seed) => filled(size, (index) => (index % (1 + (seed % 300))) * 37),
  'copies of all kinds': copies,
  'copies in a small alphabet': (size, seed) => copies(size, seed, { alphabet: 4 }),
  'matches of 3 bytes': (size, seed) => copies(size, seed, { longest: 3, share: 2 }),
  'long matches': (size, seed) => copies(size, seed, { longest: 2000, farthest: 32_768 }),
  'matches just within the window': repeatsAt(32_768),
  'matches just beyond the window': repeatsAt(32_769),
  'text, then noise, then text': (size, seed) => {
    const bytes = Uint8Array.from(kinds.text(size));
    const from = Math.floor(size / 3);
    const to = Math.floor((2 * size) / 3);
    bytes.set(
      kinds.noise(to - from).map((byte) => byte ^ seed),
      from,
    );
    return bytes;
  },
};
