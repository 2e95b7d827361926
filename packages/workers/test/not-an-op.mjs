/** Exports something that is no op. */
export const notAnOp = { name: 'notAnOp', run: () => 1 };
