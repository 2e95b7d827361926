// Commands from outside npm that some tests compare against. On Debian and its kin the missing ones are installed when
// this process may do so; elsewhere the tests that need them are skipped, and that is said aloud.
//
// Tests learn what is missing from the environment: MILLRACE_MISSING="pigz,igzip" (vitest.config.ts sets it).

import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { say } from './run.mjs';

/** Each command, and the Debian package that holds it. */
const debianPackages = new Map([
  ['gzip', 'gzip'],
  ['pigz', 'pigz'],
  ['igzip', 'isal'],
  ['time', 'time'],
  ['chromium', 'chromium'],
]);

/** The commands that are not on PATH. */
export function missingCommands() {
  return [...debianPackages.keys()].filter((command) => !pathOf(command));
}

/**
 * Installs what is missing if it can be.
 *
 * @returns {boolean} False when a command cannot be had in CI on Linux: nothing may be skipped there
 */
export function setupSystemCommands() {
  const wanted = missingCommands();
  if (wanted.length === 0) return true;
  installWithApt(wanted.map((command) => debianPackages.get(command) ?? command));

  const missing = missingCommands();
  if (missing.length === 0) return true;
  say(
    `MISSING: ${missing.join(', ')}. Tests that need ${missing.length > 1 ? 'them' : 'it'} will be skipped.`,
  );
  const required = process.env['CI'] === 'true' && process.platform === 'linux';
  if (required) say('With CI=true on Linux that is an error.');
  return !required;
}

/** @param {string[]} packages */
function installWithApt(packages) {
  if (process.platform !== 'linux' || !pathOf('apt-get')) return;
  const asRoot =
    process.getuid?.() === 0
      ? []
      : process.env['CI'] === 'true' && pathOf('sudo')
        ? ['sudo', '-n']
        : null;
  if (!asRoot) return;

  say(`Installing ${packages.join(', ')} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // One by one: a system that lacks one of them, as Ubuntu does chromium, still has the others.
  const installs = packages.map((name) => [
    'install',
    '-y',
    '-qq',
    '--no-install-recommends',
    name,
  ]);
  for (const args of [['update', '-qq'], ...installs]) {
    const [program = 'apt-get', ...rest] = [...asRoot, 'apt-get', ...args];
    const { status, stdout, stderr } = spawnSync(program, rest, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    if (status !== 0)
      say(`apt-get ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`.trimEnd());
  }
}

/**
 * Where a command lies, if it is on PATH.
 *
 * @param {string} command
 */
export function pathOf(command) {
  const name = process.platform === 'win32' ? `${command}.exe` : command;
  const dirs = (process.env['PATH'] ?? process.env['Path'] ?? '').split(delimiter).filter(Boolean);
  return dirs.map((dir) => join(dir, name)).find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
