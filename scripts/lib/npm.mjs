// Runs npm in a clean environment.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mustRun } from './run.mjs';
import { root } from './root.mjs';

/**
 * @param {string[]} args
 * @param {string} [cwd]
 */
export function execNpm(args, cwd = root) {
  const options = { cwd, env: environment() };
  const npmCli = findNpmCli();
  if (npmCli) mustRun(process.execPath, [npmCli, ...args], options);
  // Windows runs npm.cmd only through a shell. Nothing in the arguments needs quotes.
  else mustRun('npm', args, { ...options, shell: process.platform === 'win32' });
}

/** npm's own script: the one that runs us, else the one that came with this Node.js. */
function findNpmCli() {
  const beside = dirname(process.execPath);
  return [
    process.env['npm_execpath'] ?? '',
    join(beside, 'node_modules/npm/bin/npm-cli.js'),
    join(beside, '../lib/node_modules/npm/bin/npm-cli.js'),
  ].find((file) => file.endsWith('npm-cli.js') && existsSync(file));
}

/** Ours, without what `npm --omit=dev test` and the like would hand on, and without turbo's telemetry. */
function environment() {
  const dropped =
    /^(NODE_ENV|npm_config_(omit|include|only|production|dry_run|workspaces?|loglevel))$/i;
  const kept = Object.entries(process.env).filter(([name]) => !dropped.test(name));
  return {
    ...Object.fromEntries(kept),
    npm_config_loglevel: 'error',
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
  };
}
