/** Memory that goes back to the system, and not only to the pools. */
import { expect, test } from 'vitest';
import { runScript } from '../programs.ts';

interface Resident {
  readonly before: number;
  readonly full: number;
  readonly after: number;
  readonly open: number;
  readonly deaths: number;
}

test('what a mill at rest gives back is resident no more, though its threads knew it and are parked', async () => {
  const { exitCode, stdout, stderr } = await runScript('giving-back.mjs');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const { before, full, after, open, deaths } = JSON.parse(stdout) as Resident;
  expect(full - before, 'MiB of slices that were written to').toBeGreaterThan(180);
  expect({ open, deaths }).toEqual({ open: 0, deaths: 0 });
  expect(after - before, 'MiB that stayed').toBeLessThanOrEqual(40);
});
