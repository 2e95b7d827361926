/** The built-in ops. */
export { gzip, type GzipParams } from './ops/gzip.js';
