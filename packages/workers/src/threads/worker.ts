/**
 * A worker thread's entry. piscina loads this file when it starts a thread; the thread then says hello,
 * is told what it needs, drains tasks until it is to leave, and exits.
 */
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { Drain } from './drain.js';
import type { Birth, Hello, Welcome } from './messages.js';
import { settleIn } from './settling-in.js';

const { port1: port, port2 } = new MessageChannel();
port.once('message', (welcome: Welcome) => void work(welcome));
const nice = settleIn(workerData as Birth);
parentPort?.postMessage({ millrace: 'hello', port: port2, nice } satisfies Hello, [port2]);

async function work(welcome: Welcome): Promise<void> {
  await new Drain(port, welcome).run();
  // What ops have printed goes to the main thread piece by piece.
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve));
  }
  // piscina's port would keep the thread.
  process.exit(0);
}

/** piscina wants a function to call, but no task ever goes through it. */
export function worker(): void {}
