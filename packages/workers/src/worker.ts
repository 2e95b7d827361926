/**
 * A worker thread. entry.cts loads this file when piscina has started a thread; the thread then says hello,
 * is told what it needs, drains tasks until it is to leave, and exits.
 *
 * It stands on the top floor since it brings the rooms together: ops may submit tasks by way of flows.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { Drain } from './threads/drain.js';
import { provide } from './ops/module.js';
import type { Welcome } from './threads/messages.js';
import type { Outlet, OutletBasis } from './threads/task-mill.js';

/** Modules of this package that others ask for by their addresses. */
const OWN = {
  './ops/call.js': () => import('./ops/call.js'),
  './ops/crc32.js': () => import('./ops/crc32.js'),
  './ops/gzip.js': () => import('./ops/gzip.js'),
  './ops/sha256.js': () => import('./ops/sha256.js'),
  './remote/host.js': () => import('./remote/host.js'),
};
for (const [path, load] of Object.entries(OWN)) {
  provide(new URL(path, import.meta.url).href, load);
}

/** Begins to work as soon as the answer to the thread's hello is there: as a rule it is by now. */
export function begin(port: MessagePort): void {
  // What it is told holds the arenas as they are now, and whoever kept that would keep them: see LettingGo.
  const start = (welcome: Welcome): void => void work(new Drain(port, welcome, openOutlet));
  const answer: { message: Welcome } | undefined = receiveMessageOnPort(port);
  if (answer) start(answer.message);
  else port.once('message', start);
}

/** Loaded when an op first submits something: most never do. */
async function openOutlet(basis: OutletBasis): Promise<Outlet> {
  const { MillBranch } = await import('./mill-branch.js');
  return new MillBranch(basis);
}

async function work(drain: Drain): Promise<void> {
  await drain.run();
  // What ops have printed goes to the main thread piece by piece.
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve));
  }
  // piscina's port would keep the thread.
  process.exit(0);
}
