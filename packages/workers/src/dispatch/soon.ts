/** What is to be done in this turn of the event loop, once all has run that is due now. */

const done = Promise.resolve();

/** Calls `what` soon, which must not throw. It takes a third of `queueMicrotask`, which makes a resource for each call. */
export function soon(what: () => void): void {
  void done.then(what);
}
