/**
 * A thread's first word. It is said before all else is loaded: meanwhile the mill's own thread answers, and goes on to
 * the first task.
 */
import { MessageChannel, parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Birth, Hello } from './threads/messages.js';
import { settleIn } from './threads/settling-in.js';

/** @returns the port over which the answer comes */
export function sayHello(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const nice = settleIn(workerData as Birth);
  parentPort?.postMessage({ millrace: 'hello', port: port2, nice } satisfies Hello, [port2]);
  return port1;
}
