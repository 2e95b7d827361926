/** Other programs: the ones that read gzip files, and Node.js with a script of ours. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const missing = (process.env['MILLRACE_MISSING'] ?? '').split(',');

/** Whether the tests of a command must be skipped: `npm test` says so aloud. */
export function isMissing(command: string): boolean {
  return missing.includes(command);
}

/** What a program makes of its standard input. */
export function through(command: string, args: readonly string[], input: Uint8Array): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    input,
    maxBuffer: 2 ** 30,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr.toString()}`);
  return stdout;
}

export interface ScriptEnd {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script that lies beside the tests, to its end; one that hangs is killed, and has no exit code. */
export function runScript(name: string, ...args: string[]): Promise<ScriptEnd> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}
