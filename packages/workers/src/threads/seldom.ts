/**
 * What a thread needs for some tasks only: to lease memory, and to send results that fit no cell. It is two thirds of
 * what a thread needs at all, so threads load it when the first such task comes: see later.ts.
 */
export { BufferPools } from '@millrace/core';
export { proxy } from 'comlink';
export { LetterWriter } from '../dispatch/letters.js';
export { OutboxWriter } from '../dispatch/outbox.js';
export { checkGenerator, sendOutputs } from './outputs.js';
