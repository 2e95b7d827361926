/**
 * What a skilled hand would make without worker threads: blocks of one file deflated by Node's own
 * asynchronous zlib, a few at a time, on libuv's threads, and joined to one gzip member.
 *
 * The blocks are cut as our gzip op cuts them, with the same dictionary and the same settings, so that
 * what differs is who hands out the work.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, type ZlibOptions } from 'node:zlib';
import { gzip } from '@millrace/workers/ops';

const deflateRawAsync = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);

const { size: BLOCK = 0, overlap: OVERLAP = 0 } = gzip.definition.split ?? {};
/** As the op: see its source for why. */
const MEM_LEVEL = 7;
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);

export async function gzipOnLibuv(
  from: string,
  to: string,
  { level, inFlight }: { level: number; inFlight: number },
): Promise<void> {
  const source = await open(from, 'r');
  const target = await open(to, 'w');
  try {
    await target.write(HEADER);
    const { size } = await source.stat();
    const queue: Promise<Buffer>[] = [];
    let crc = 0;
    for (let position = 0; position < size; position += BLOCK) {
      if (queue.length === inFlight) await target.writev([await queue.shift()!]);
      const { lead, block } = await read(source, position, Math.min(BLOCK, size - position));
      crc = crc32(block, crc);
      const last = position + block.length === size;
      const deflating = deflateRawAsync(block, {
        level,
        memLevel: MEM_LEVEL,
        finishFlush: last ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
        chunkSize: BLOCK,
        ...(lead.length > 0 && { dictionary: lead }),
      });
      // Awaited in its turn; until then a failure is nobody's fault.
      deflating.catch(() => {});
      queue.push(deflating);
    }
    for (const deflating of queue) await target.writev([await deflating]);
    await target.write(trailer(crc, size));
  } finally {
    await source.close();
    await target.close();
  }
}

/** A block and the bytes before it, in one read. */
async function read(
  source: FileHandle,
  position: number,
  length: number,
): Promise<{ lead: Buffer; block: Buffer }> {
  const leadBytes = Math.min(position, OVERLAP);
  const bytes = Buffer.allocUnsafeSlow(leadBytes + length);
  await source.read(bytes, 0, bytes.length, position - leadBytes);
  return { lead: bytes.subarray(0, leadBytes), block: bytes.subarray(leadBytes) };
}

function trailer(crc: number, size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(crc, 0);
  bytes.writeUInt32LE(size % 2 ** 32, 4);
  return bytes;
}
