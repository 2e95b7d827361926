/** Running the built command as a person would, and waiting for what it does. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';

export const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** What it has written to standard error so far. */
  stderr(): string;
  /** What it has written to standard output so far. */
  stdout(): Buffer;
}

export interface RunOptions extends SpawnOptions {
  /** Goes to standard input, which is then closed. */
  input?: Uint8Array | string;
}

const alive = new Set<ChildProcess>();

// A test that fails must not leave its programs behind.
afterEach(() => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Starts a program. It is killed when the test ends before it. */
export function start(program: string, args: string[], options: RunOptions = {}): Running {
  const child = spawn(program, args, options);
  alive.add(child);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (piece: Buffer) => stdout.push(piece));
  child.stderr?.on('data', (piece: Buffer) => stderr.push(piece));
  child.stdin?.on('error', () => {});
  if (options.input !== undefined) child.stdin?.end(options.input);
  const result = (): Pick<Ended, 'stdout' | 'stderr'> => ({
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr).toString('utf8'),
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      alive.delete(child);
      resolve({ code, signal, ...result() });
    });
  });
  return { child, ended, stderr: () => result().stderr, stdout: () => result().stdout };
}

export function startMillrace(args: string[], options?: RunOptions): Running {
  return start(process.execPath, [bin, ...args], options);
}

/** Runs the command to its end; standard input is empty unless given. */
export function millrace(args: string[], options: RunOptions = {}): Promise<Ended> {
  return startMillrace(args, { input: '', ...options }).ended;
}

/** Runs another program to its end. */
export async function run(program: string, args: string[], options?: RunOptions): Promise<Ended> {
  const ended = await start(program, args, { input: '', ...options }).ended;
  if (ended.code !== 0) throw new Error(`${program} ended with ${ended.code}: ${ended.stderr}`);
  return ended;
}

/** Resolves with the first true thing that `look` returns. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const missing = (process.env['MILLRACE_MISSING'] ?? '').split(',');

/** Whether `npm test` could not provide the command. */
export function isMissing(command: string): boolean {
  return missing.includes(command);
}

/** For commands that belong to the system, and that `npm test` does not install. */
export function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
