/**
 * gzip, in parallel, as one member that every reader takes.
 *
 *   header │ block 0 … sync │ block 1 … sync │ … │ last block, final │ CRC-32 │ length
 *
 * Each block is raw deflate data that ends on a byte's border with an empty stored block, and has the
 * previous 32 KiB as its dictionary, so that hardly any match is lost. The cut depends on the input's
 * offset alone: the same bytes come out whatever the number of threads.
 *
 * Source: M. Adler, pigz; RFC 1951, RFC 1952.
 */
import { crc32 } from 'node:zlib';
import { MillraceError } from '@millrace/core';
import { crc32Combine } from './crc32-combine.js';
import { defineOp } from './define-op.js';
import { deflate, deflateBound } from './deflate.js';

const KiB = 1024;
const OVERLAP = 32 * KiB;
/** Input and overlap fill one slot of 256 KiB. */
const BLOCK = 256 * KiB - OVERLAP;
export interface GzipParams {
  /** 0 (none) to 9 (smallest). @defaultValue 6 */
  level?: number;
  /** The file name to note in the header. @defaultValue none */
  name?: string;
  /** The modification time to note in the header, in seconds since 1970. @defaultValue 0, which means none */
  mtime?: number;
}

interface Sum {
  readonly crc: number;
  /** Bytes of input modulo 2^32. */
  readonly length: number;
}

export const gzip = defineOp<GzipParams, Sum>(import.meta.url, 'gzip', {
  params(given = {}) {
    const { level = 6, name, mtime = 0 } = given;
    if (!Number.isInteger(level) || level < 0 || level > 9) {
      throw invalid(`"level" must be an integer from 0 to 9: got ${String(level)}`);
    }
    if (!Number.isInteger(mtime) || mtime < 0 || mtime >= 2 ** 32) {
      throw invalid(`"mtime" must be whole seconds from 0 to 2^32 - 1: got ${String(mtime)}`);
    }
    if (name !== undefined && (typeof name !== 'string' || name.includes('\0'))) {
      throw invalid(`"name" must be a string without NUL`);
    }
    return name === undefined ? { level, mtime } : { level, mtime, name };
  },
  outputBound: deflateBound,
  split: { size: BLOCK, overlap: OVERLAP },
  merge: {
    start: () => ({ crc: 0, length: 0 }),
    head: header,
    join: (sum, crc, inputBytes) => ({
      crc: crc32Combine(sum.crc, crc, inputBytes),
      length: (sum.length + inputBytes) % 2 ** 32,
    }),
    tail(sum) {
      const bytes = new Uint8Array(8);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, sum.crc, true);
      view.setUint32(4, sum.length, true);
      return bytes;
    },
  },
  run(bytes, { level = 6 }, context) {
    const { output, lead, last } = context;
    const breathe = (): void => context.breathe();
    const size = deflate(bytes, output, { level, lead, last, breathe });
    return { size, value: crc32(bytes) };
  },
});

/** RFC 1952, 2.3: ID1 ID2 CM FLG MTIME(4) XFL OS [name NUL] */
function header({ level = 6, name, mtime = 0 }: GzipParams): Uint8Array {
  const nameBytes = name === undefined ? new Uint8Array(0) : Buffer.from(`${name}\0`, 'utf8');
  const bytes = new Uint8Array(10 + nameBytes.length);
  const fastest = 4;
  const smallest = 2;
  bytes.set([0x1f, 0x8b, 8, name === undefined ? 0 : 8]);
  new DataView(bytes.buffer).setUint32(4, mtime, true);
  bytes[8] = level === 9 ? smallest : level === 1 ? fastest : 0;
  bytes[9] = 3; // Unix
  bytes.set(nameBytes, 10);
  return bytes;
}

function invalid(rule: string): MillraceError {
  return new MillraceError('ERR_INVALID_ARG', `Cannot gzip as ${rule}`);
}
