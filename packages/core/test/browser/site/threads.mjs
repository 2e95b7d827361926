// Workers, as a page starts and ends them. Each does one job of a scenario: see worker.mjs.

let workers = 0;

/**
 * Starts a worker that does the job `job` of the scenario `module` (its `import.meta.url`).
 * `result` resolves with what the job returns, and rejects with the message of whatever fails in the worker.
 */
export function start(module, job, orders) {
  const name = `${job} ${++workers}`;
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module', name });
  const result = new Promise((resolve, reject) => {
    const fail = (message) => reject(new Error(`Worker "${name}" failed: ${message}`));
    worker.onmessage = ({ data }) => ('error' in data ? fail(data.error) : resolve(data.result));
    worker.onmessageerror = () => fail('its result cannot be read');
    worker.onerror = (event) => fail(event.message ?? 'its modules cannot be loaded');
  });
  worker.postMessage({ module, job, orders });
  return { name, worker, result };
}

/** Starts one worker for each of `orders`, and resolves with what they return. */
export function runAll(module, job, orders) {
  return Promise.all(orders.map((order) => start(module, job, order).result));
}

/**
 * Ends a worker between any two instructions, and resolves once it is dead for certain. `terminate` does not tell: the
 * worker may run on for a while. But it holds a lock, which the browser gives back when no code of it can run any more.
 */
export async function kill({ name, worker }) {
  worker.terminate();
  await navigator.locks.request(name, () => {});
}

/** Resolves when the word at `index` is no longer `from`. It waits on the word itself: no message, no polling. */
export async function changed(words, index, from) {
  while (Atomics.load(words, index) === from) {
    const wait = Atomics.waitAsync(words, index, from);
    if (wait.async) await wait.value;
  }
}

/** Sets the word at `index`, and wakes whoever waits for that. */
export function signal(words, index) {
  Atomics.store(words, index, 1);
  Atomics.notify(words, index);
}

/** Gives the page's event loop a turn. */
export function turn() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** `count` words that threads can wait on, zero at first. */
export function sharedWords(count) {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
}

/** What `action` throws or rejects with: its code. */
export async function codeOf(action) {
  try {
    await action();
  } catch (error) {
    return error.code ?? error.name;
  }
  return 'none';
}
