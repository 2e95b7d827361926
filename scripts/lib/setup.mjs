// Installs the dependencies when node_modules is not in step with the lock file, and otherwise does nothing, fast.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execWithPnpm } from './pnpm.mjs';
import { packageDirs, root } from './root.mjs';
import { say } from './run.mjs';

const stamp = join(root, 'node_modules', '.millrace-install');

export function setup() {
  const wanted = fingerprint();
  if (installed() === wanted) return;
  say('Installing dependencies');
  execWithPnpm(
    'pnpm',
    'install',
    '--frozen-lockfile',
    '--reporter=append-only',
    '--config.confirmModulesPurge=false',
  );
  writeFileSync(stamp, wanted);
}

function installed() {
  const everywhere = packageDirs().every(
    (dir) => existsSync(join(dir, 'node_modules')) || !hasDependencies(dir),
  );
  return everywhere && existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
}

/** @param {string} dir */
function hasDependencies(dir) {
  return /"(dev|optional|peer)?dependencies"/i.test(
    readFileSync(join(dir, 'package.json'), 'utf8'),
  );
}

/** What an install depends on: the lock file, every package.json, and the machine that native tools are chosen for. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'].map((name) =>
    join(root, name),
  );
  for (const file of [...files, ...packageDirs().map((dir) => join(dir, 'package.json'))]) {
    hash.update(`\n${file.slice(root.length)}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}
