import { defineConfig } from 'vitest/config';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageDirs } from './scripts/lib/root.mjs';
import { missingCommands, pathOf } from './scripts/lib/system-commands.mjs';

// Tests start threads of their own. On two cores, two test files at a time is all that can be had, and of those that kill
// threads, or go by how long something takes, one.
const ALL = ['test/**/*.test.ts'];
const ALONE: Record<string, string[]> = {
  workers: [
    'test/{*deaths,death-matrix,kills,unhealthy,recycling,shrinking,closing,stopping,lifecycle}.test.ts',
    'test/{thread-settings,warm-up,retries,breathing,priorities,large,pump-memory,pump-abort,run-many}.test.ts',
    'test/pressure/**/*.test.ts',
  ],
};

// The schedules of an exploration are the same on any engine: one run explores them.
const EXPLORED = process.env['MILLRACE_EXPLORED'] === '1' ? ['test/explore/**'] : [];

const projects = packageDirs()
  .filter((dir) => existsSync(join(dir, 'test')))
  .flatMap((dir) => {
    const name = basename(dir);
    const alone = ALONE[name] ?? [];
    const exclude = [...alone, ...EXPLORED];
    const beside = project(name, dir, { maxWorkers: 2, include: ALL, exclude });
    if (alone.length === 0) return [beside];
    return [beside, project(`${name}-alone`, dir, { maxWorkers: 1, include: alone, exclude: [] })];
  });

interface Which {
  readonly maxWorkers: 1 | 2;
  readonly include: string[];
  readonly exclude: string[];
}

function project(name: string, root: string, { maxWorkers, include, exclude }: Which) {
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
      // What a thread prints goes out as it is. Sent to the runner, a line in the last moment of a file fails the run.
      disableConsoleIntercept: true,
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
