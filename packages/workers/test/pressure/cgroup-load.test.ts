/** The mixed load in a real cgroup, under a limit that the kernel enforces by killing. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { kind, realCgroup } from './real-cgroup.ts';

const MiB = 2 ** 20;
const LIMIT_BYTES = 256 * MiB;

interface Outcome {
  readonly limitBytes: number;
  readonly heldBytes: number;
  readonly levels: string[];
  readonly degradations: Record<'chunked' | 'direct' | 'emergency', number>;
  readonly recoveries: number;
  readonly relieved: { slabs: number; arenas: number };
}

const skipped = typeof kind === 'string' ? ` (skipped as no cgroup can be made: ${kind})` : '';

test.skipIf(typeof kind === 'string')(
  `100,000 operations of mixed sizes complete in a cgroup whose limit is a quarter of the pools' memory${skipped}`,
  () => {
    if (typeof kind === 'string') throw new Error('skipped');
    const cgroup = realCgroup(kind, LIMIT_BYTES);
    const script = fileURLToPath(new URL('limited-load.mjs', import.meta.url));
    const { status, signal, stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'echo $$ > "$0" && exec "$@"', cgroup.processes, process.execPath, script],
      { encoding: 'utf8', timeout: 50_000, killSignal: 'SIGKILL' },
    );
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    expect(cgroup.kills()).toBe(0);
    const outcome = JSON.parse(stdout) as Outcome;
    expect(outcome).toMatchObject({
      done: 100_000,
      wrong: 0,
      spoiled: 0,
      degraded: false,
      activeBuffers: 0,
      live: 0,
      pressure: 'normal',
    });
    const { limitBytes, heldBytes, levels, degradations } = outcome;
    expect(limitBytes).toBe(LIMIT_BYTES);
    expect(heldBytes, 'it did come to the limit').toBeGreaterThan(100 * MiB);
    expect(levels).toContain('elevated');
    expect(levels).toContain('critical');
    expect(levels.at(-1)).toBe('normal');
    expect(degradations.chunked + degradations.emergency).toBeGreaterThan(0);
    expect(degradations.emergency).toBeGreaterThan(0);
    expect(outcome.recoveries).toBeGreaterThan(0);
    expect(outcome.relieved.arenas, 'what was held went back').toBeGreaterThan(0);
  },
);
