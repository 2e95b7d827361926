/**
 * How long the event loop of this thread is kept busy at a time.
 *
 * A timer comes late because of what ran before it, or because the machine had no core to spare. Linux
 * tells the time that a thread was on a core, so there only the former counts; elsewhere, both.
 */
import { readFileSync } from 'node:fs';

/** The main thread's own entry: its id is that of the process. */
const SCHEDSTAT = `/proc/self/task/${process.pid}/schedstat`;
const NS_PER_MS = 1e6;

/** Calls `work`, and gives the milliseconds of each turn meanwhile, the longest first. */
export async function turnsDuring<R>(work: () => Promise<R>): Promise<[R, number[]]> {
  const now = process.platform === 'linux' ? onCoreMs : () => performance.now();
  const turns: number[] = [];
  let last = now();
  const timer = setInterval(() => {
    const at = now();
    turns.push(at - last);
    last = at;
  }, 1);
  try {
    const result = await work();
    return [result, turns.sort((a, b) => b - a)];
  } finally {
    clearInterval(timer);
  }
}

function onCoreMs(): number {
  return Number(readFileSync(SCHEDSTAT, 'utf8').split(' ', 1)[0]) / NS_PER_MS;
}
