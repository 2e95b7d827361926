import { defineConfig } from 'vitest/config';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageDirs } from './scripts/lib/root.mjs';
import { missingCommands, pathOf } from './scripts/lib/system-commands.mjs';

// Tests start threads of their own. On two cores, two test files at a time is all that can be had, and in the package
// that kills threads, one. Its soak alone goes beside others, as it takes a minute and no memory but its own counts.
const ALONE = 'workers';
const SOAK = 'test/soak.test.ts';

const projects = packageDirs()
  .filter((dir) => existsSync(join(dir, 'test')))
  .flatMap((dir) => {
    const name = basename(dir);
    if (name !== ALONE) return [project(name, dir, { maxWorkers: 2 })];
    return [
      project(name, dir, { maxWorkers: 1, exclude: [SOAK] }),
      project('soak', dir, { maxWorkers: 2, include: [SOAK] }),
    ];
  });

interface Which {
  readonly maxWorkers: 1 | 2;
  readonly include?: string[];
  readonly exclude?: string[];
}

function project(
  name: string,
  root: string,
  { maxWorkers, include = ['test/**/*.test.ts'], exclude = [] }: Which,
) {
  return {
    test: {
      name,
      root,
      include,
      exclude,
      pool: 'forks' as const,
      maxWorkers,
      // Those that go two at a time first.
      sequence: { groupOrder: 3 - maxWorkers },
      testTimeout: 60_000,
      hookTimeout: 60_000,
      env: {
        MILLRACE_MISSING: missingCommands().join(','),
        MILLRACE_CHROMIUM: pathOf('chromium') ?? '',
      },
      // What is tested is what ships, loaded by Node.js itself: both sides of the shared memory run the same build.
      server: { deps: { external: [/\/dist\//] } },
    },
  };
}

export default defineConfig({
  test: { reporters: ['default', 'json'], outputFile: { json: '.reports/vitest.json' }, projects },
});
