/**
 * A gzip member's header, RFC 1952 section 2.3:
 *
 *   ID1 ID2 CM FLG MTIME(4) XFL OS  [XLEN(2) extra]  [name NUL]  [comment NUL]  [CRC16(2)]
 */
import { MillraceError } from '@millrace/core';
import type { BufferedInput } from './buffered-input.js';

const FIXED_BYTES = 10;
const DEFLATE = 8;
const HAS_CRC = 2;
const HAS_EXTRA = 4;
const HAS_NAME = 8;
const HAS_COMMENT = 16;
const RESERVED = 0xe0;
/** A name or comment longer than this is no name. */
const LONGEST_TEXT = 1024 * 1024;

/** Whether the input goes on with a gzip member. */
export async function atMember(input: BufferedInput): Promise<boolean> {
  const [id1, id2] = await input.peekAtLeast(2);
  return id1 === 0x1f && id2 === 0x8b;
}

/** Takes the header, having seen {@link atMember}. @throws MillraceError `ERR_INPUT_FORMAT` */
export async function takeHeader(input: BufferedInput): Promise<void> {
  const fixed = await take(input, FIXED_BYTES);
  const method = fixed[2]!;
  const flags = fixed[3]!;
  if (method !== DEFLATE || (flags & RESERVED) !== 0) {
    throw new MillraceError(
      'ERR_INPUT_FORMAT',
      `Cannot read the gzip header as its method is ${method} and its flags are ${flags}: only method 8 with known flags is defined`,
    );
  }
  if ((flags & HAS_EXTRA) !== 0) {
    const length = await take(input, 2);
    await take(input, length[0]! + 256 * length[1]!);
  }
  if ((flags & HAS_NAME) !== 0) await takeText(input);
  if ((flags & HAS_COMMENT) !== 0) await takeText(input);
  if ((flags & HAS_CRC) !== 0) await take(input, 2);
}

/** Takes exactly `count` bytes. @throws MillraceError `ERR_INPUT_FORMAT` when the input ends before */
export async function take(input: BufferedInput, count: number): Promise<Uint8Array> {
  const bytes = (await input.peekAtLeast(count)).subarray(0, count);
  if (bytes.length < count) throw truncated();
  input.take(count);
  return bytes;
}

async function takeText(input: BufferedInput): Promise<void> {
  for (let length = 0; length < LONGEST_TEXT;) {
    const ahead = await input.peek();
    if (ahead.length === 0) throw truncated();
    const end = ahead.indexOf(0);
    input.take(end < 0 ? ahead.length : end + 1);
    if (end >= 0) return;
    length += ahead.length;
  }
  throw new MillraceError(
    'ERR_INPUT_FORMAT',
    'Cannot read the gzip header as its name does not end',
  );
}

export function truncated(): MillraceError {
  return new MillraceError('ERR_INPUT_FORMAT', 'Cannot decompress as the input ends too early');
}
