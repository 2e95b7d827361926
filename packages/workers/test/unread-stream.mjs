/** Writes to a stream that nobody reads, and comes to its end. */
import { createMill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';

const mill = await createMill({ threads: 2 });
const stream = mill.stream(gzip);
for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(100_000, i));
stream.end();
mill.stream(gzip).end();
mill.stream(gzip).write('more is never to come');
