import { readFileSync } from 'node:fs';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import type { FlowSource } from '@millrace/workers';
import { decompress, type DecompressReport } from '@millrace/workers/internal';
import { describe, expect, test } from 'vitest';
import { MiB, kinds, noise, text, zeros } from './content.ts';
import { codeOf, failureOf } from './failure.ts';
import { fileOf, newPath } from './temporary.ts';

async function unpacked(from: FlowSource): Promise<{ output: Buffer; report: DecompressReport }> {
  const to = newPath();
  const report = await decompress({ from, to });
  return { output: readFileSync(to), report };
}

/** The input in pieces of `size` bytes. */
function* inPieces(input: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < input.length; at += size) yield input.subarray(at, at + size);
}

describe.each(Object.entries(kinds))('%s', (_kind, make) => {
  test.each([0, 1, 65_535, 65_536, 65_537, 3 * MiB])('of %d bytes comes back', async (bytes) => {
    const input = make(bytes);
    for (const level of [0, 1, 9]) {
      const packed = gzipSync(input, { level });
      for (const from of [packed, fileOf(packed), inPieces(packed, 10_007)]) {
        const { output, report } = await unpacked(from);
        expect(output.equals(input)).toBe(true);
        expect(report).toMatchObject({
          bytesIn: packed.length,
          bytesOut: bytes,
          members: 1,
          trailingBytes: 0,
        });
      }
    }
  });
});

test('bytes may come one at a time', async () => {
  const input = text(3000);
  const { output } = await unpacked(inPieces(gzipSync(input), 1));
  expect(output.equals(input)).toBe(true);
});

describe('members', () => {
  test('come out one after the other, empty ones too', async () => {
    const parts = ['corn', '', 'oats', '', '', 'rye'].map((part) => gzipSync(part));
    const { output, report } = await unpacked(Buffer.concat(parts));
    expect(output.toString()).toBe('cornoatsrye');
    expect(report).toMatchObject({ members: 6, bytesIn: Buffer.concat(parts).length });
  });

  test('may end and begin anywhere in what is read at once', async () => {
    const tail = gzipSync('the tail');
    for (let short = 60_000; short > 0; short = Math.floor(short / 1.9)) {
      const first = noise(65_536 - short);
      const joined = Buffer.concat([gzipSync(first), tail, tail]);
      const { output, report } = await unpacked(fileOf(joined));
      expect(output.equals(Buffer.concat([first, Buffer.from('the tailthe tail')]))).toBe(true);
      expect(report.members).toBe(3);
    }
    // Every place around the end of the first read, 64 KiB.
    for (let off = -30; off <= 30; off++) {
      const first = noise(65_536 - gzipSync(noise(65_000)).length + 65_000 + off);
      const { output } = await unpacked(fileOf(Buffer.concat([gzipSync(first), tail])));
      expect(output.length).toBe(first.length + 8);
    }
  });

  test('may be many', async () => {
    const member = gzipSync('x'.repeat(100));
    const { output, report } = await unpacked(Buffer.concat(Array<Buffer>(2000).fill(member)));
    expect(report.members).toBe(2000);
    expect(output.length).toBe(200_000);
  });
});

describe('a header', () => {
  const data = Buffer.from('grist for the mill');
  const EXTRA = Buffer.from([5, 0, 65, 66, 1, 0, 0]);
  const LONG_EXTRA = Buffer.concat([Buffer.from([0xff, 0xff]), noise(65_535)]);
  const NAME = Buffer.from('name.txt\0', 'latin1');
  const COMMENT = Buffer.from('a comment\0', 'latin1');

  /** A member whose header has these fields, in the order of RFC 1952. */
  function member(flags: number, fields: Buffer[]): Buffer {
    const head = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 2, 3]), ...fields]);
    const checked = Buffer.alloc(2);
    checked.writeUInt16LE(crc32(head) & 0xffff);
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(crc32(data), 0);
    trailer.writeUInt32LE(data.length, 4);
    return Buffer.concat([
      head,
      flags & 2 ? checked : Buffer.alloc(0),
      deflateRawSync(data),
      trailer,
    ]);
  }

  test.each<[string, number, Buffer[]]>([
    ['nothing', 0, []],
    ['the text flag', 1, []],
    ['a checksum', 2, []],
    ['extra fields', 4, [EXTRA]],
    ['no extra fields, though it says so', 4, [Buffer.alloc(2)]],
    ['as many extra fields as there can be', 4, [LONG_EXTRA]],
    ['a name', 8, [NAME]],
    ['an empty name', 8, [Buffer.alloc(1)]],
    ['a name of 100,000 bytes', 8, [Buffer.from(`${'n'.repeat(100_000)}\0`)]],
    ['a comment', 16, [COMMENT]],
    ['everything', 31, [EXTRA, NAME, COMMENT]],
    ['everything, at length', 31, [LONG_EXTRA, NAME, Buffer.from(`${'c'.repeat(70_000)}\0`)]],
  ])('may hold %s', async (_what, flags, fields) => {
    const packed = member(flags, fields);
    for (const from of [packed, fileOf(packed), inPieces(packed, 997)]) {
      const { output, report } = await unpacked(from);
      expect(output.equals(data)).toBe(true);
      expect(report.bytesIn).toBe(packed.length);
    }
  });

  test.each([0x20, 0x40, 0x80])('with the reserved flag %d is refused', async (flag) => {
    expect(await codeOf(unpacked(member(flag, [])))).toBe('ERR_INPUT_FORMAT');
  });

  test('with another method is refused, and says which', async () => {
    const packed = member(0, []);
    packed[2] = 7;
    const error = await failureOf(unpacked(packed));
    expect(error.code).toBe('ERR_INPUT_FORMAT');
    expect(error.message).toContain('7');
  });

  test('with a name that never ends is refused before it fills the memory', async () => {
    const endless = function* () {
      yield Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]);
      for (;;) yield Buffer.alloc(65_536, 'n');
    };
    expect(await codeOf(unpacked(endless()))).toBe('ERR_INPUT_FORMAT');
  });
});

describe('what comes after the last member', () => {
  const packed = gzipSync('flour');

  test.each([1, 511, 65_536, 200_000])(
    'may be %d zeros, which count for nothing',
    async (count) => {
      const { output, report } = await unpacked(Buffer.concat([packed, zeros(count)]));
      expect(output.toString()).toBe('flour');
      expect(report).toMatchObject({
        members: 1,
        trailingBytes: 0,
        bytesIn: packed.length + count,
      });
    },
  );

  test('may be zeros and another member', async () => {
    const { output, report } = await unpacked(Buffer.concat([packed, zeros(1000), packed]));
    expect(output.toString()).toBe('flourflour');
    expect(report.members).toBe(2);
  });

  test.each([1, 2, 100, 200_000])(
    'is ignored and counted if it is %d bytes of anything else',
    async (count) => {
      for (const garbage of [Buffer.alloc(count, 'g'), Buffer.alloc(count, 0x1f)]) {
        const { output, report } = await unpacked(Buffer.concat([packed, garbage]));
        expect(output.toString()).toBe('flour');
        expect(report).toMatchObject({ members: 1, trailingBytes: count });
      }
    },
  );

  test('is counted from its first byte that is not zero', async () => {
    const { report } = await unpacked(Buffer.concat([packed, zeros(10), Buffer.from('end\0\0')]));
    expect(report.trailingBytes).toBe(5);
  });

  test('must be whole if it begins like a member', async () => {
    expect(await codeOf(unpacked(Buffer.concat([packed, packed.subarray(0, 5)])))).toBe(
      'ERR_INPUT_FORMAT',
    );
  });
});
