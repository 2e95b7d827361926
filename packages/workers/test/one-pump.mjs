/**
 * Pumps one file to another through an op in place, by workers that write it themselves, and prints what
 * came of it. With `plain`, there is no shared WebAssembly memory on the main thread.
 */
const [from, to, how] = process.argv.slice(2);
if (how === 'plain') {
  WebAssembly.Memory = function none() {
    throw new RangeError('none is left');
  };
}
const { createMill } = await import('@millrace/workers');
const { invertChunks } = await import('./ops.mjs');

const mill = await createMill({ threads: 2, memory: 16 * 1024 * 1024 });
const end = {};
try {
  const { notes } = await mill.pump({ from, op: invertChunks, to, direct: how === 'plain' });
  Object.assign(end, { arena: mill.stats().memory.arena.kind, notes });
} catch (error) {
  Object.assign(end, { code: error.code, system: error.cause?.code });
}
console.log(JSON.stringify({ ...end, live: mill.stats().slices.live }));
await mill.close();
