/** The same on a bare worker thread: bytes come by message and go back the way they came. */
import { parentPort, type Transferable } from 'node:worker_threads';

/** What is posted to it, and back. */
export interface Touched {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether they go back by transfer; else they are cloned. */
  readonly transfer: boolean;
}

parentPort!.on('message', ({ bytes, transfer }: Touched) => {
  bytes[0]! ^= 1;
  const list: Transferable[] = transfer ? [bytes.buffer] : [];
  parentPort!.postMessage({ bytes, transfer } satisfies Touched, list);
});
