/**
 * A worker thread's entry. piscina loads this file when it starts a thread; the thread then says hello,
 * is told what it needs, and drains tasks until the mill closes. Kept tiny: see drain.ts.
 */
import { MessageChannel, parentPort, threadId } from 'node:worker_threads';
import { Drain } from './drain.js';
import type { Hello, Welcome } from './messages.js';

const { port1: port, port2 } = new MessageChannel();
port.once('message', (welcome: Welcome) => {
  void new Drain(port, welcome).run();
});
parentPort?.postMessage({ millrace: 'hello', threadId, port: port2 } satisfies Hello, [port2]);

/** piscina wants a function to call, but no task ever goes through it. */
export function worker(): void {}
