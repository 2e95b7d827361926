/** The built-in ops. */
export { crc32, gzip, sha256, type GzipParams } from '@millrace/workers/ops';
