/** Other programs as contenders: whole processes, start-up included. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The path of a command, or `undefined` when it is not installed. */
export function commandPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The script of our own command, or `undefined` when it is not built. */
export function millraceCommand(): string | undefined {
  const script = fileURLToPath(
    new URL('./dist/bin.js', import.meta.resolve('millrace/package.json')),
  );
  return existsSync(script) ? script : undefined;
}

/** Runs a program with its standard output going to the file `to`; how long it took from start to end. */
export async function timeProgram(
  program: string,
  args: readonly string[],
  to: string,
): Promise<number> {
  const output = await open(to, 'w');
  try {
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      const child = spawn(program, args, { stdio: ['ignore', output.fd, 'inherit'] });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`${program} ${args.join(' ')} ended with ${signal ?? code}`));
      });
    });
    return performance.now() - startedAt;
  } finally {
    await output.close();
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
