/** Ends the process while threads are starting: `ms` after the first is ready. */
import { createMill } from '@millrace/workers';

const [ms] = process.argv.slice(2);
await createMill({ threads: 4 });
await new Promise((resolve) => setTimeout(resolve, Number(ms)));
console.log('ends');
process.exit(0);
