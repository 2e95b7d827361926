/** Work in a real cgroup, under a limit that the kernel enforces by killing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { fileOf, newPath } from '../temporary.ts';
import { kind, realCgroup } from './real-cgroup.ts';

const MiB = 2 ** 20;
const LIMIT_BYTES = 256 * MiB;
/** How long the work takes is the machine's business; this is for what hangs. */
const HANGS_AFTER_MS = 280_000;

interface LoadOutcome {
  readonly limitBytes: number;
  readonly heldBytes: number;
  readonly levels: string[];
  readonly degradations: Record<'chunked' | 'direct' | 'emergency', number>;
  readonly recoveries: number;
  readonly relieved: { slabs: number; arenas: number };
}

interface MillOutcome {
  readonly heldBytes: number;
  readonly levels: string[];
}

const skipped = typeof kind === 'string' ? ` (skipped as no cgroup can be made: ${kind})` : '';

/** Runs a script that lies here in a cgroup of its own; what it prints. */
function runLimited(name: string, ...args: string[]): unknown {
  if (typeof kind === 'string') throw new Error(kind);
  const cgroup = realCgroup(kind, LIMIT_BYTES);
  const script = fileURLToPath(new URL(name, import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'echo $$ > "$0" && exec "$@"', cgroup.processes, process.execPath, script, ...args],
    { encoding: 'utf8', timeout: HANGS_AFTER_MS, killSignal: 'SIGKILL' },
  );
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  expect(cgroup.kills()).toBe(0);
  return JSON.parse(stdout);
}

test.skipIf(typeof kind === 'string')(
  `100,000 operations of mixed sizes complete in a cgroup whose limit is a quarter of the pools' memory${skipped}`,
  () => {
    const outcome = runLimited('limited-load.mjs') as LoadOutcome;
    expect(outcome).toMatchObject({
      done: 100_000,
      wrong: 0,
      spoiled: 0,
      degraded: false,
      activeBuffers: 0,
      live: 0,
      pressure: 'normal',
    });
    const { limitBytes, heldBytes, levels, degradations, recoveries, relieved } = outcome;
    expect(limitBytes).toBe(LIMIT_BYTES);
    expect(heldBytes, 'it did come to the limit').toBeGreaterThan(100 * MiB);
    expect(levels).toContain('elevated');
    expect(levels).toContain('critical');
    expect(levels.at(-1)).toBe('normal');
    expect(degradations.chunked).toBeGreaterThan(0);
    expect(degradations.emergency).toBeGreaterThan(0);
    expect(recoveries).toBeGreaterThan(0);
    expect(relieved.arenas, 'what was held went back').toBeGreaterThan(0);
  },
  HANGS_AFTER_MS + 10_000,
);

test.skipIf(typeof kind === 'string')(
  `a mill works on in a cgroup that is all but full, and recovers${skipped}`,
  () => {
    const input = Buffer.alloc(48 * MiB);
    for (let at = 0; at < input.length; at += 64) input.writeUInt32LE(at ^ (at >>> 9), at);
    const to = newPath();
    const outcome = runLimited('limited-mill.mjs', fileOf(input), to) as MillOutcome;
    expect(outcome).toMatchObject({ spoiled: 0, deaths: 0, live: 0 });
    expect(outcome.heldBytes).toBeGreaterThan(100 * MiB);
    expect(outcome.levels).toContain('critical');
    expect(outcome.levels.at(-1)).toBe('normal');
    expect(gunzipSync(readFileSync(to)).equals(input)).toBe(true);
  },
  HANGS_AFTER_MS + 10_000,
);
