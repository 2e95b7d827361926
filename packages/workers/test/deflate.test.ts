import { constants, inflateRawSync } from 'node:zlib';
import { deflateBlock, deflateBound } from '@millrace/workers/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK, kinds, noise, text } from './content.ts';
import { copies, inputs, randomOf } from './deflate-inputs.ts';

const KiB = 1024;
const WINDOW = 32 * KiB;
const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const NOTHING = new Uint8Array(0);

interface Options {
  level?: number;
  lead?: Uint8Array;
  last?: boolean;
}

/** What a worker does with a block: in no more room than the op asks for. */
function deflate(
  bytes: Uint8Array,
  { level = 6, lead = NOTHING, last = true }: Options = {},
): Buffer {
  const output = new Uint8Array(deflateBound(bytes.length));
  const size = deflateBlock(bytes, output, { level, lead, last, breathe() {} });
  return Buffer.from(output.buffer, 0, size);
}

/** By Node's zlib, which knows nothing of ours. */
function inflate(deflated: Buffer, { lead = NOTHING, last = true }: Options = {}): Buffer {
  return inflateRawSync(deflated, {
    finishFlush: last ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
    ...(lead.length > 0 && { dictionary: lead }),
  });
}

function expectBack(bytes: Uint8Array, options: Options, name: string): Buffer {
  const deflated = deflate(bytes, options);
  let same: boolean;
  try {
    same = inflate(deflated, options).equals(bytes);
  } catch (cause) {
    throw new Error(`Cannot read ${name} back`, { cause });
  }
  expect(same, `${name}, ${bytes.length} bytes, level ${options.level}, last ${options.last}`).toBe(
    true,
  );
  if (options.last === false) expect(deflated.subarray(-4).toString('hex')).toBe('0000ffff');
  return deflated;
}

describe.each(Object.entries(inputs))('%s', (name, make) => {
  test('comes back from every level, as the last block and as another', () => {
    for (const level of LEVELS) {
      for (const last of [true, false]) {
        for (const size of [4093, 70_000]) {
          expectBack(make(size, level + size), { level, last }, name);
        }
      }
    }
  });

  test('comes back with a dictionary, in a block as large as there can be', () => {
    for (const level of LEVELS) {
      const whole = make(WINDOW + BLOCK, level);
      const lead = whole.subarray(0, WINDOW);
      expectBack(whole.subarray(WINDOW), { level, lead, last: level % 2 === 0 }, name);
    }
  });

  test('comes back at every size around the edges', () => {
    for (let size = 0; size <= 64; size++) {
      for (const level of LEVELS) expectBack(make(size, 7), { level, last: size % 2 === 0 }, name);
    }
  });
});

test('every size from 0 to 600 comes back, with dictionaries of all sizes', () => {
  const whole = copies(2000, 1, { alphabet: 12 });
  for (let size = 0; size <= 600; size++) {
    const lead = whole.subarray(0, (size * 37) % 1000);
    const bytes = whole.subarray(lead.length, lead.length + size);
    expectBack(bytes, { level: size % 10, lead, last: size % 3 > 0 }, 'copies');
  }
});

test('every period from 1 to 300 comes back, and costs next to nothing', () => {
  for (let period = 1; period <= 300; period++) {
    const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => ((i % period) * 167) >> 3);
    for (const level of [1, 3, 6, 9]) {
      const { length } = expectBack(bytes, { level }, `period ${period}`);
      expect(length).toBeLessThan(period + 400);
    }
  }
});

test('whatever it is made of comes back', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .record({ byte: fc.nat(255), count: fc.nat(1000) })
      .map(({ byte, count }) => new Uint8Array(count).fill(byte)),
    fc
      .record({ from: fc.nat(5000), size: fc.nat(2000) })
      .map(({ from, size }) => Uint8Array.from(text(7000).subarray(from, from + size))),
  );
  const pieces = fc.array(piece, { maxLength: 12 });
  const settings = fc.record({ level: fc.nat(9), cut: fc.double({ min: 0, max: 1, noNaN: true }) });
  fc.assert(
    fc.property(pieces, pieces, settings, fc.boolean(), (before, after, { level, cut }, last) => {
      const whole = Buffer.concat([...before, ...after, ...before]);
      const lead = whole.subarray(0, Math.floor(cut * Math.min(whole.length, WINDOW)));
      expectBack(whole.subarray(lead.length), { level, lead, last }, 'pieces');
    }),
    { numRuns: 2000 },
  );
});

test('a match is found 32767 bytes back, and not beyond the window', () => {
  const lead = noise(WINDOW - 1);
  const tooFar = noise(WINDOW + 1);
  for (const level of LEVELS.slice(1)) {
    expect(expectBack(lead, { level, lead }, 'just near enough').length).toBeLessThan(600);
    const bytes = tooFar.subarray(0, 1000);
    expect(expectBack(bytes, { level, lead: tooFar }, 'too far').length).toBeGreaterThan(1000);
  }
});

test('nothing before the dictionary is used, of what was compressed before', () => {
  const secret = noise(BLOCK);
  for (const level of LEVELS.slice(1)) {
    deflate(secret, { level });
    const again = expectBack(secret, { level, lead: text(100) }, 'noise');
    expect(again.length).toBeGreaterThanOrEqual(BLOCK);
  }
});

test('the same bytes come out whatever was compressed before', () => {
  const bytes = text(50_000);
  for (const level of LEVELS) {
    deflate(kinds.zeros(BLOCK), { level: 9 });
    const first = deflate(bytes, { level, last: false });
    deflate(noise(BLOCK), { level: (level * 7) % 10, lead: text(WINDOW) });
    expect(deflate(bytes, { level, last: false }).equals(first)).toBe(true);
  }
});

test('what cannot be compressed is stored: 5 bytes for each 65,535', () => {
  const random = randomOf(5);
  for (const level of LEVELS) {
    for (const size of [1, 100, 10_000, 65_535, 65_536, BLOCK]) {
      const bytes = Uint8Array.from({ length: size }, () => random(256));
      const { length } = expectBack(bytes, { level }, 'noise');
      expect(length).toBeLessThanOrEqual(size + 5 * Math.ceil(size / 65_535));
    }
  }
});

test('a dictionary longer than the window is used as far as the window reaches', () => {
  const whole = text(WINDOW + 5000);
  const bytes = text(3 * KiB);
  const expected = deflate(bytes, { lead: whole.subarray(-WINDOW) });
  expect(deflate(bytes, { lead: whole }).equals(expected)).toBe(true);
});

test('more than fits one slot is refused', () => {
  expect(() => deflate(new Uint8Array(256 * KiB + 1))).toThrow(/262145 bytes/);
});
