/** An op whose module takes long to load, as large ones do. */
import { defineOp } from '@millrace/workers';

await new Promise((resolve) => setTimeout(resolve, 100));

export const late = defineOp(import.meta.url, 'late', { run: () => 'at last' });
