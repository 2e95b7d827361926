/** Kernels for the tests, compiled from a few lines of AssemblyScript. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { folder } from './temporary.ts';

/** As `Kernel` wants them. */
export const FLAGS = [
  '--optimizeLevel=3',
  '--noAssert',
  '--runtime=stub',
  '--importMemory',
  '--sharedMemory',
  '--noExportMemory',
  '--initialMemory=1',
  '--maximumMemory=65536',
  '--enable=threads,simd',
];

const asc = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');

/** What was compiled already, by source and flags. */
const compiled = new Map<string, Uint8Array>();

/** Compiles `source`; the address of the module's file, which is gone when the test ends. */
export function compile(source: string, flags: readonly string[] = FLAGS): string {
  const file = join(folder(), 'kernel.wasm');
  const key = JSON.stringify([source, flags]);
  let bytes = compiled.get(key);
  if (!bytes) compiled.set(key, (bytes = run(source, flags)));
  writeFileSync(file, bytes);
  return pathToFileURL(file).href;
}

function run(source: string, flags: readonly string[]): Uint8Array {
  const cwd = folder();
  writeFileSync(join(cwd, 'kernel.ts'), source);
  const args = [asc, 'kernel.ts', '--outFile', 'kernel.wasm', ...flags];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`asc failed: ${stderr}`);
  return readFileSync(join(cwd, 'kernel.wasm'));
}

/** What the kernel of {@link BYTES} exports. */
export interface Bytes {
  /** Adds `amount` to each byte. */
  add(at: number, bytes: number, amount: number): void;
  /** Writes the bytes backwards; the two may overlap, which shows. */
  reverse(from: number, to: number, bytes: number): void;
  /** The address it is given. */
  where(at: number): number;
  /** Stores a number that must be aligned. */
  storeAtomic(at: number, value: number): void;
}

export const BYTES = `
export function add(at: usize, bytes: usize, amount: i32): void {
  const more = i8x16.splat(<i8>amount);
  const end = at + bytes;
  for (; at + 16 <= end; at += 16) v128.store(at, i8x16.add(v128.load(at), more));
  for (; at < end; at++) store<u8>(at, load<u8>(at) + <u8>amount);
}
export function reverse(from: usize, to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i++) store<u8>(to + i, load<u8>(from + bytes - 1 - i));
}
export function where(at: usize): usize { return at; }
export function storeAtomic(at: usize, value: i32): void { atomic.store<i32>(at, value); }
`;
