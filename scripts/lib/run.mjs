// Starting other programs: quietly, with their output kept until something fails, or in full view.

import { spawn, spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { readJson, root } from './root.mjs';

/**
 * The arguments that start an installed tool with Node itself. The links in node_modules/.bin are shell scripts on
 * Windows; this way needs no shell on any platform.
 *
 * @param {string} packageName
 * @param {string} [command] - Which of the package's commands, when it has several
 */
export function tool(packageName, command = packageName.replace(/^@.*\//, '')) {
  const dir = join(root, 'node_modules', packageName);
  const { bin } = readJson(join(dir, 'package.json'));
  return [resolve(dir, typeof bin === 'string' ? bin : bin[command])];
}

/**
 * Runs a program to its end and keeps its output.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function capture(program, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: root,
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => done({ ok: false, output: `${output}${error.message}\n` }));
    child.on('close', (code) => done({ ok: code === 0, output }));
  });
}

/**
 * Runs a program to its end and shows what it said only if it failed. Then ends this process too. All goes to standard
 * error: talk about the set-up must not mix with what the user asked for.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function mustRun(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    maxBuffer: 64 * 2 ** 20,
    ...options,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status === 0) return;
  say(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim());
  process.exit(status ?? 1);
}

/**
 * Runs a Node program in this one's place: same standard streams, signals passed on, same end.
 *
 * @param {string[]} args
 */
export function become(args) {
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  // A terminal sends its signals to both processes; other senders know only this one.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (!(signal === 'SIGINT' && process.stdin.isTTY)) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
  child.on('close', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}
