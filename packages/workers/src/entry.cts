/**
 * What piscina loads when it starts a thread. All that a thread needs is in one CommonJS file, which the build
 * joins: the first task waits for it, and an ES module costs half a millisecond.
 *
 * piscina would `require` an ES module as well, and Node aborts the whole process when a thread is ended in the
 * middle of that: "IsGraphAsync must be used on an instantiated module". CommonJS can be cut short anywhere.
 */
import type * as hello from './hello.js' with { 'resolution-mode': 'import' };
import type * as worker from './worker.js' with { 'resolution-mode': 'import' };

const { sayHello } = require('./joined/hello.cjs') as typeof hello;
const port = sayHello();
const { begin } = require('./joined/thread.cjs') as typeof worker;
begin(port);

/** piscina wants a function to call, but no task ever goes through it. */
module.exports = { worker: () => {} };
