import { defineConfig } from 'vitest/config';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageDirs } from './scripts/lib/root.mjs';
import { missingCommands, pathOf } from './scripts/lib/system-commands.mjs';

// Tests start threads of their own. On two cores, two test files at a time is all that can be had, and in packages that
// measure threads or kill them, one.
const filesAtATime: Record<string, number> = { core: 2, observe: 2 };

export default defineConfig({
  test: {
    reporters: ['default', 'json'],
    outputFile: { json: '.reports/vitest.json' },
    projects: packageDirs()
      .filter((dir) => existsSync(join(dir, 'test')))
      .map((dir, index) => ({
        test: {
          name: basename(dir),
          root: dir,
          include: ['test/**/*.test.ts'],
          pool: 'forks' as const,
          maxWorkers: filesAtATime[basename(dir)] ?? 1,
          // One package after the other.
          sequence: { groupOrder: index + 1 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
          env: {
            MILLRACE_MISSING: missingCommands().join(','),
            MILLRACE_CHROMIUM: pathOf('chromium') ?? '',
          },
          // What is tested is what ships, loaded by Node.js itself: both sides of the shared memory run the same build.
          server: { deps: { external: [/\/dist\//] } },
        },
      })),
  },
});
