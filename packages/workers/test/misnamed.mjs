/** Exports an op under another name than it was defined with. */
import { defineOp } from '@millrace/workers';

export const grain = defineOp(import.meta.url, 'flour', { run: () => 1 });
