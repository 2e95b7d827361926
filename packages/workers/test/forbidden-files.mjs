/**
 * Pumps from a file that may not be read, and into a folder that may not be written; prints the codes of
 * both errors. Root may do anything, so it becomes somebody else, once all modules are loaded.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';

const NOBODY = 65_534;

const dir = mkdtempSync(join(tmpdir(), 'millrace-'));
const open = join(dir, 'open');
const secret = join(dir, 'secret');
const closed = join(dir, 'closed');
mkdirSync(open);
writeFileSync(secret, 'secret');
mkdirSync(closed);
chmodSync(dir, 0o755);
chmodSync(open, 0o777);
chmodSync(secret, 0o000);
chmodSync(closed, 0o555);

const mill = await createMill({ threads: 1 });
await mill.run(gzip, Buffer.from('loads the op'));
const root = process.getuid() === 0;
if (root) process.seteuid(NOBODY);

const codes = async (from, to) => {
  try {
    await mill.pump({ from, op: gzip, to });
    return [];
  } catch (error) {
    return [error.code, error.cause?.code];
  }
};
const read = await codes(secret, join(open, 'output'));
const write = await codes(Buffer.from('x'), join(closed, 'output'));

if (root) process.seteuid(0);
await mill.close();
rmSync(dir, { recursive: true });
console.log(JSON.stringify({ read, write }));
