/** A thread at a message ring: it pushes its share of messages, pops as many, or does both in turn. */
import { MessageRing, type MessageRingShape, type ThreadId } from '@millrace/core';
import { workTogether } from '../measure/threads.js';

export interface MessageRingOrder {
  readonly words: Int32Array;
  readonly shape: MessageRingShape;
  readonly thread: ThreadId;
  readonly role: 'producer' | 'consumer' | 'both';
  /** Messages to a call; undefined for the calls that move one. */
  readonly batch: number | undefined;
  readonly warmUp: number;
  /** Messages to push, or to pop, or both: a multiple of `batch`. */
  readonly count: number;
}

workTogether((order, warmingUp) => {
  const { words, shape, thread, role, batch, warmUp, count } = order as MessageRingOrder;
  const ring = new MessageRing(words, 0, shape, thread);
  const atOnce = batch ?? 1;
  const messages = new Int32Array(shape.messageWords * atOnce).fill(thread);
  for (let left = warmingUp ? warmUp : count; left > 0; left -= atOnce) {
    if (role !== 'consumer') push(ring, messages, batch);
    if (role !== 'producer') pop(ring, messages, batch);
  }
});

function push(ring: MessageRing, messages: Int32Array, batch: number | undefined): void {
  if (batch === undefined) {
    while (!ring.push(messages)) ring.waitForRoomSync();
    return;
  }
  for (let left = batch; left > 0;) {
    const pushed = ring.pushBatch(messages, left);
    if (pushed === 0) ring.waitForRoomSync();
    left -= pushed;
  }
}

function pop(ring: MessageRing, messages: Int32Array, batch: number | undefined): void {
  if (batch === undefined) {
    while (ring.pop(messages) < 0) ring.waitForMessagesSync();
    return;
  }
  for (let left = batch; left > 0;) {
    const popped = ring.popBatch(messages, left);
    if (popped === 0) ring.waitForMessagesSync();
    left -= popped;
  }
}
