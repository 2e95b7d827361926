/** A thread at one end of a byte ring: it moves messages as fast as it can, and looks again when it cannot. */
import { workTogether } from '../measure/threads.js';
import { byteRings, type ByteRingName, type Move } from '../peers/byte-rings.js';

export interface ByteRingOrder {
  readonly name: ByteRingName;
  readonly side: 'writer' | 'reader';
  /** What the contestant's `make` has returned. */
  readonly memory: unknown;
  readonly messageBytes: number;
  readonly warmUp: number;
  readonly count: number;
}

let move: Move | undefined;
let message: Uint8Array | undefined;

workTogether((order, warmingUp) => {
  const { name, side, memory, messageBytes, warmUp, count } = order as ByteRingOrder;
  move ??= byteRings[name][side](memory as never);
  // The same for both times: code that is compiled for a view it has seen often is not thrown away for another.
  message ??= new Uint8Array(messageBytes);
  for (let i = 0, end = warmingUp ? warmUp : count; i < end; i++) {
    if (side === 'writer') message[0] = i;
    while (move(message) === 0) {
      // The other thread is at it.
    }
    if (message[0] !== (i & 0xff)) throw new Error(`Message ${i} is not the one that was sent`);
  }
});
