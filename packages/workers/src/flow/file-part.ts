/** Files that somebody has opened: by their handle, or from a position on. */
import type { FileHandle } from 'node:fs/promises';

/** A file that is open, from a position on; where the descriptor stands does not matter, and is not changed. */
export interface FilePart {
  readonly file: number | FileHandle;
  /** In bytes. */
  readonly position: number;
}

export function isFilePart(end: unknown): end is FilePart {
  if (typeof end !== 'object' || end === null || 'read' in end || 'write' in end) return false;
  return 'file' in end && 'position' in end;
}

export function isFileHandle(end: unknown): end is FileHandle {
  return typeof end === 'object' && end !== null && 'fd' in end && 'readv' in end;
}

export function descriptorOf(file: number | FileHandle): number {
  return typeof file === 'number' ? file : file.fd;
}
