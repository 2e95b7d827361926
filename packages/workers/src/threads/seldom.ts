/**
 * What a thread needs for some tasks only: to lease memory, to send several outputs, to pass proxies. It is more than half
 * of what a thread needs at all, so threads load it when the first such task comes: see later.ts.
 */
export { BufferPools } from '@millrace/core';
export { proxy } from 'comlink';
export { OutboxWriter } from '../dispatch/outbox.js';
export { checkGenerator, sendOutputs } from './outputs.js';
