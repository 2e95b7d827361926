/**
 * A process that pumps one object and then tells what it held in memory at most.
 *
 *   node pump-child.js stdin | <path>     ──▶ one line of JSON on standard output
 */
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { createMill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { peakMemoryBytes } from '../measure/peak-memory.js';

/** What it prints. */
export interface PumpChildReport {
  readonly bytesIn: number;
  /** Before the first byte: Node, the mill and its threads. */
  readonly peakAtStart: number;
  readonly peak: number;
}

const THREADS = 2;
const from = process.argv[2] ?? 'stdin';

const mill = await createMill({ threads: THREADS });
const peakAtStart = peakMemoryBytes();
// A descriptor: nobody has a file to make or to replace.
const to = openSync(devNull, 'w');
const { bytesIn } = await mill.pump({
  from: from === 'stdin' ? 0 : from,
  op: gzip,
  params: { level: 1 },
  to,
});
closeSync(to);
const report: PumpChildReport = { bytesIn, peakAtStart, peak: peakMemoryBytes() };
await mill.close();
process.stdout.write(`${JSON.stringify(report)}\n`);
