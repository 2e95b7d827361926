/** Loading ops and functions by URL, for code that does not import their module statically. */
import { MillraceError } from '@millrace/core';
import { Op } from './define-op.js';
import { register } from './functions.js';
import { addressOf, exportOf, importModule, type Exports } from './module.js';

/**
 * Imports a module on the calling thread, checks its ops, and makes its functions known to `mill.call`.
 *
 * @returns its exports; to ask for one that it has not is an error
 */
export async function load(given: string | URL): Promise<Exports> {
  const url = addressOf(given);
  const exports = await importModule(url);
  let useful = 0;
  for (const [name, value] of Object.entries(exports)) {
    if (value instanceof Op) check(value, url, name, exports);
    else if (typeof value === 'function') register(value, url, name);
    else continue;
    useful++;
  }
  if (useful === 0) {
    throw new MillraceError(
      'ERR_OP_LOAD',
      `Cannot load ${url} as it exports no op and no function`,
    );
  }
  return strict(exports, url);
}

/** A worker will look for the op under the name it was defined with. */
function check(op: Op<unknown, unknown>, url: string, name: string, exports: Exports): void {
  if (op.url !== url || exports[op.name] === op) return;
  throw new MillraceError(
    'ERR_OP_LOAD',
    `Cannot load op "${op.name}" of ${url} as it is exported as "${name}": define it under that name`,
  );
}

/** Misspelt names are told at once, by `const { shrnk } = await mill.load(…)` itself. */
function strict(exports: Exports, url: string): Exports {
  return new Proxy(exports, {
    get(_exports, name) {
      // A promise that resolves with this asks whether it is one itself.
      if (typeof name === 'symbol' || name === 'then') return Reflect.get(exports, name);
      return exportOf(exports, url, name);
    },
  });
}
