/** What a thread does for itself when it starts: it takes its name and its niceness, where the system has such for threads. */
import { readlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Birth } from './messages.js';

const NICEST = 19;
/** Linux cuts a thread's name to this many bytes. */
const NAME_BYTES = 15;

/** @returns the niceness that the thread runs at; `undefined` for that of the process */
export function settleIn({ name, nice }: Birth): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    writeFileSync('/proc/thread-self/comm', shortened(name));
  } catch {
    // Where /proc is not to be written, the thread goes without.
  }
  if (nice === 0) return undefined;
  // Loaded here, since most threads can do without.
  const { getPriority, setPriority } = process.getBuiltinModule('node:os');
  try {
    const id = Number(basename(readlinkSync('/proc/thread-self')));
    setPriority(id, Math.min(NICEST, getPriority() + nice));
    return getPriority(id);
  } catch {
    return getPriority();
  }
}

/** The number at its end is what tells it from the others. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES) return name;
  const number = name.slice(name.lastIndexOf('-'));
  return Buffer.from(name).toString('latin1', 0, NAME_BYTES - number.length) + number;
}
