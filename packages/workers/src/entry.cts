/**
 * What piscina loads when it starts a thread. It would `require` worker.js itself, and Node aborts the whole
 * process when a thread is ended in the middle of that: "IsGraphAsync must be used on an instantiated
 * module". An import can be cut short anywhere.
 */
void import('./worker.js');

/** piscina wants a function to call, but no task ever goes through it. */
module.exports = { worker: () => {} };
