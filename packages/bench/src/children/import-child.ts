/**
 * A process that imports one module, and nothing else.
 *
 *   node import-child.js millrace | piscina     ──▶ how many ms it took, on standard output
 */
import { writeSync } from 'node:fs';

const startedAt = performance.now();
await (process.argv[2] === 'millrace' ? import('millrace') : import('piscina'));
writeSync(1, `${performance.now() - startedAt}\n`);
