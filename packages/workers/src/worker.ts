/**
 * A worker thread. entry.cts loads this file when piscina has started a thread; the thread then says hello,
 * is told what it needs, drains tasks until it is to leave, and exits.
 *
 * It stands on the top floor since it brings the rooms together: ops may submit tasks by way of flows.
 */
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { Drain } from './threads/drain.js';
import type { Birth, Hello, Welcome } from './threads/messages.js';
import { settleIn } from './threads/settling-in.js';
import type { Outlet, OutletBasis } from './threads/task-mill.js';

const { port1: port, port2 } = new MessageChannel();
port.once('message', (welcome: Welcome) => void work(welcome));
const nice = settleIn(workerData as Birth);
parentPort?.postMessage({ millrace: 'hello', port: port2, nice } satisfies Hello, [port2]);

/** Loaded when an op first submits something: most never do. */
async function openOutlet(basis: OutletBasis): Promise<Outlet> {
  const { MillBranch } = await import('./mill-branch.js');
  return new MillBranch(basis);
}

async function work(welcome: Welcome): Promise<void> {
  await new Drain(port, welcome, openOutlet).run();
  // What ops have printed goes to the main thread piece by piece.
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve));
  }
  // piscina's port would keep the thread.
  process.exit(0);
}
