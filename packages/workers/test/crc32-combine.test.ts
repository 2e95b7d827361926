import { crc32 } from 'node:zlib';
import { crc32Combine } from '@millrace/workers/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { zeros } from './content.ts';

test('the CRC of two pieces joined follows from the CRCs of the pieces', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.uint8Array({ maxLength: 3000 }),
      (first, second) => {
        const joined = crc32(Buffer.concat([first, second]));
        expect(crc32Combine(crc32(first), crc32(second), second.length)).toBe(joined);
      },
    ),
    { numRuns: 2000 },
  );
});

test('pieces can be joined in any grouping', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }), (pieces) => {
      const joined = pieces.reduce(
        (crc, piece) => crc32Combine(crc, crc32(piece), piece.length),
        0,
      );
      expect(joined).toBe(crc32(Buffer.concat(pieces)));
    }),
    { numRuns: 1000 },
  );
});

test.each([0, 1, 2 ** 10, 2 ** 24 + 1, 100_000_007])(
  'the length of the second piece may be %d bytes',
  (length) => {
    const first = crc32('in front of it');
    const second = zeros(length);
    expect(crc32Combine(first, crc32(second), length)).toBe(crc32(second, first));
  },
);

test('lengths above 2^32 count in full', () => {
  const [first, second] = [crc32('one'), crc32('two')];
  // Appending 2^32 + 5 zeros does what appending 2^32 and then 5 does.
  const inSteps = crc32Combine(crc32Combine(first, 0, 2 ** 32), second, 5);
  expect(crc32Combine(first, second, 2 ** 32 + 5)).toBe(inSteps);
});
