/** Servers in processes of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { peakMemoryOf } from './peak-memory.js';

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  /** The most memory that it has had resident, in bytes; NaN where nobody can tell. */
  peakBytes(): number;
}

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
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
