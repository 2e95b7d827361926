/**
 * A kernel's module: compiled, and looked at before it comes near shared memory.
 *
 * A kernel's memory is an arena full of other people's slices, so the kernel must own no place in it.
 * Data that the module carries would be written to fixed addresses as soon as it is instantiated: such
 * a module is refused. What cannot be seen from outside is a stack or a heap in memory, which compilers
 * of C and Rust put at fixed addresses; AssemblyScript's `--runtime stub` has neither as long as the
 * kernel makes no objects.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '@millrace/core';

/** Magic and version. */
const HEADER_BYTES = 8;
const DATA_SECTION = 11;

/** @throws MillraceError `ERR_KERNEL` */
export function loadModule(url: string): WebAssembly.Module {
  let bytes: Uint8Array<ArrayBuffer>;
  let module: WebAssembly.Module;
  try {
    bytes = readFileSync(fileURLToPath(url));
    // V8 compiles a module once for all threads of a process that load the same bytes.
    module = new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new MillraceError('ERR_KERNEL', `Cannot load the kernel ${url}: ${String(cause)}`, {
      cause,
    });
  }
  if (hasData(bytes)) {
    throw new MillraceError(
      'ERR_KERNEL',
      `Cannot use the kernel ${url} as it carries static data, which would overwrite slices: keep constants in code, or pass them as bytes`,
    );
  }
  const imports = WebAssembly.Module.imports(module);
  const [only] = imports;
  if (
    imports.length !== 1 ||
    only?.kind !== 'memory' ||
    `${only.module}.${only.name}` !== 'env.memory'
  ) {
    const named = imports.map(({ module: from, name }) => `${from}.${name}`).join(', ');
    throw new MillraceError(
      'ERR_KERNEL',
      `Cannot use the kernel ${url} as it must import the memory env.memory and nothing else: it imports ${named || 'nothing'}`,
    );
  }
  return module;
}

/** Whether a module that is valid has a data segment. */
function hasData(bytes: Uint8Array): boolean {
  let at = HEADER_BYTES;
  /** An unsigned LEB128 number. */
  const next = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const section = next();
    const length = next();
    if (section === DATA_SECTION) return next() > 0;
    at += length;
  }
  return false;
}
