// What can go wrong on a page and in its workers: each must reach the test. And what a page may and may not do.

import { BufferPools, Waiter } from '../../../dist/entries/index.js';
import { codeOf, sharedWords, start } from '../site/threads.mjs';

export const throwInWorker = () => start(import.meta.url, 'throwIt', {}).result;
export const rejectUnseenInWorker = () => start(import.meta.url, 'rejectUnseen', {}).result;
export const loadNothingInWorker = () => start('./none.mjs', 'none', {}).result;

/** Nobody looks at this worker's result. */
export function loseWorkersError() {
  start(import.meta.url, 'throwIt', {});
  return new Promise(() => {});
}

export function throwInTask() {
  queueMicrotask(() => {
    throw new Error('A task of the page has thrown');
  });
}

export function complain() {
  console.error('The page has complained');
}

/** What this page is able to do. */
export async function abilities() {
  const waiter = new Waiter();
  const words = globalThis.crossOriginIsolated ? sharedWords(1) : new Int32Array(1);
  return {
    isolated: globalThis.crossOriginIsolated,
    mayBlock: waiter.mayBlock(words, 0),
    pools: await codeOf(() => BufferPools.create({ memory: 4 * 2 ** 20 }, 0)),
  };
}

export const jobs = {
  throwIt() {
    throw new Error('A job has thrown');
  },
  rejectUnseen() {
    void Promise.reject(new Error('A promise of the worker was rejected'));
    return new Promise(() => {});
  },
};
