/**
 * Files that are open for direct I/O, past the system's page cache. It wants whole pages, in memory as in
 * the file, and not every system, file system or file has it.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { BufferPools } from '@millrace/core';
import { PAGE_BYTES } from '@millrace/core/internal';

/** Node has none on systems without direct I/O. */
export const O_DIRECT = constants.O_DIRECT as number | undefined;

/** A page of its own: a shared WebAssembly memory begins with one, as slots do. */
export const page = (): Uint8Array =>
  new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer).subarray(
    0,
    PAGE_BYTES,
  );

/** Why nothing can be read or written directly here; `undefined` if it can. */
export function whyNotDirect(buffers: BufferPools): string | undefined {
  if (O_DIRECT === undefined) return 'this system has no O_DIRECT';
  const { arena } = buffers.stats();
  if (arena.kind !== 'plain') return undefined;
  return `slices do not begin with a page (${arena.reason ?? ''})`;
}

/**
 * Opens a file that can be read, and tries whether that works directly: some file systems say so only then.
 *
 * @param flags how it is to be open beside that, such as `O_RDONLY`
 * @throws the system's error, `EINVAL` where there is no direct I/O
 */
export async function openDirect(path: string, flags: number): Promise<FileHandle> {
  const handle = await open(path, flags | O_DIRECT!);
  try {
    await handle.read(page(), 0, PAGE_BYTES, 0);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
