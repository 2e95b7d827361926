/** What sibling packages and this one's tests need beside the public names. No promise is made about it. */
export { decompress, type DecompressReport } from './flow/decompress.js';
export { workersOf } from './mill.js';
export { crc32Combine } from './ops/crc32-combine.js';
