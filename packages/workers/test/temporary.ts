/** Files and folders that a test needs, and that are gone when it ends. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** An empty folder. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A file of these bytes, in a folder of its own. */
export function fileOf(bytes: Uint8Array | string): string {
  const path = join(folder(), 'input');
  writeFileSync(path, bytes);
  return path;
}

/** A path in a folder of its own, where no file is yet. */
export function newPath(name = 'output'): string {
  return join(folder(), name);
}

/** A named pipe. */
export function namedPipe(): string {
  const path = newPath('pipe');
  make('mkfifo', [path]);
  return path;
}

/**
 * The device that swallows everything, or the one that is always full. Root, who could replace the real
 * one by mistake, gets another of the same kind.
 */
export function device(name: 'null' | 'full'): string {
  if (process.getuid?.() !== 0) return `/dev/${name}`;
  const path = newPath(name);
  make('mknod', [path, 'c', '1', name === 'null' ? '3' : '7']);
  return path;
}

function make(command: string, args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
}

/** A descriptor that is closed when the test ends. */
export function descriptorOf(path: string, flags: string | number): number {
  const descriptor = openSync(path, flags);
  onTestFinished(() => closeSync(descriptor));
  return descriptor;
}

/** The names in a folder, in order. */
export function namesIn(path: string): string[] {
  return readdirSync(path).sort();
}

/** The descriptors of this process for a file. */
export function descriptorsOf(path: string): number[] {
  const numbers = readdirSync('/proc/self/fd').filter((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`) === path;
    } catch {
      // The one that the listing itself used.
      return false;
    }
  });
  return numbers.map(Number).sort((a, b) => a - b);
}

/** How many descriptors of this process there are for a file. */
export function openedTimes(path: string): number {
  return descriptorsOf(path).length;
}

/** A small file system of its own, of 2 MiB; skips the test where only root may mount one. */
export function smallDisk(kind: 'tmpfs' | 'ramfs', skip: (note: string) => never): string {
  const path = folder();
  try {
    make('mount', ['-t', kind, '-o', 'size=2m', 'none', path]);
  } catch {
    skip('only root may mount a file system');
  }
  onTestFinished(() => make('umount', ['-l', path]));
  return path;
}
