/** The built-in ops. */
export { gzip, type GzipParams } from '@millrace/workers/ops';
