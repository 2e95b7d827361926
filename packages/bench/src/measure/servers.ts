/** Servers in processes of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { peakMemoryOf } from './peak-memory.js';

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  /** The most memory that it has had resident, in bytes; NaN where nobody can tell. */
  peakBytes(): number;
  /** Processor time that all its threads have taken, in milliseconds; NaN where nobody can tell. */
  processorMs(): number;
}

/** Linux counts processor time in hundredths of a second, whatever the machine. */
const TICK_MS = 10;

/** Starts a program that listens, and says on a line that ends with its port when it does. */
export async function startServer(file: string, args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines = createInterface(child.stdout);
  const first = (await Promise.race([once(lines, 'line'), ended])) as [unknown];
  const port = /\d+$/.exec(String(first[0]))?.[0];
  if (port === undefined || child.exitCode !== null) throw new Error(`Cannot start ${file}`);
  return {
    url: `http://localhost:${port}`,
    peakBytes: () => (child.pid && peakMemoryOf(child.pid)) || NaN,
    processorMs: () => processorMsOf(child.pid),
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

function processorMsOf(pid: number | undefined): number {
  try {
    // Behind the program's name, which may have any characters: state, ten more, user and system time.
    const [, fields = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
    const [user, system] = fields.split(' ').slice(11, 13).map(Number);
    return (user! + system!) * TICK_MS;
  } catch {
    return NaN;
  }
}
