/** The built-in ops. */
export { crc32 } from './ops/crc32.js';
export { gzip, type GzipParams } from './ops/gzip.js';
export { sha256 } from './ops/sha256.js';
