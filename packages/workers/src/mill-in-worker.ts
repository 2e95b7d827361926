/**
 * What makes mills, and their ends, as the mill's own threads see it. They import this package for the sake of
 * their ops, and would load two thirds of it in vain: that is done when an op calls one of these.
 * Which of the two a thread gets is in package.json's "imports".
 */
import { createRequire } from 'node:module';
import type { ByteReader, ByteWriter } from '@millrace/core';
import type { ProxyMarked } from 'comlink';
import type { MillHandle } from './branches.js';
import type { NodeByteSource, NodeByteTarget } from './flow/node-byte-io.js';
import type { MillBranch } from './mill-branch.js';
import type { MillOptions } from './mill-options.js';
import type { Mill } from './mill.js';
import { seldom } from './threads/later.js';

export async function createMill(options?: MillOptions): Promise<Mill> {
  const mill = await import('./mill.js');
  return mill.createMill(options);
}

// The others are not asynchronous, and so cannot wait for an import.

export function attachMill(handle: MillHandle): MillBranch {
  return seldomUsed().attachMill(handle);
}

export function readerOf(source: NodeByteSource): ByteReader {
  return seldomUsed().readerOf(source);
}

export function writerOf(target: NodeByteTarget): ByteWriter {
  return seldomUsed().writerOf(target);
}

export function proxy<T extends object>(value: T): T & ProxyMarked {
  return seldom().proxy(value);
}

interface SeldomUsed {
  attachMill(handle: MillHandle): MillBranch;
  readerOf(source: NodeByteSource): ByteReader;
  writerOf(target: NodeByteTarget): ByteWriter;
}

function seldomUsed(): SeldomUsed {
  return createRequire(import.meta.url)('./joined/branch.cjs') as SeldomUsed;
}
