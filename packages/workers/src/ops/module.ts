/** Modules by URL: their address checked, their exports looked up, and what went wrong told in the same words everywhere. */
import { MillraceError } from '@millrace/core';

export type Exports = Readonly<Record<string, unknown>>;

/**
 * The address of a module as a string.
 *
 * @throws MillraceError `ERR_INVALID_ARG` when it is no absolute URL
 */
export function addressOf(url: unknown): string {
  if (url instanceof URL) return url.href;
  if (typeof url === 'string' && URL.canParse(url)) return new URL(url).href;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot load a module from ${describe(url)} as that is no URL: give new URL('./ops.js', import.meta.url)`,
  );
}

/** Modules of this package that are asked for by URL in a thread, and how it loads them. */
const own = new Map<string, () => Promise<Exports>>();

/**
 * Says how a module of this package is loaded in a thread: there it is joined with what it imports, of
 * which a copy would come with it from its file.
 */
export function provide(url: string, load: () => Promise<Exports>): void {
  own.set(url, load);
}

/** Imports what another thread has named. */
export function importByName(url: string): Promise<Exports> {
  return own.get(url)?.() ?? (import(url) as Promise<Exports>);
}

/** @throws MillraceError `ERR_OP_LOAD` */
export async function importModule(url: string): Promise<Exports> {
  try {
    return (await import(url)) as Exports;
  } catch (cause) {
    throw new MillraceError('ERR_OP_LOAD', `Cannot import ${url}: ${String(cause)}`, { cause });
  }
}

/** @throws MillraceError `ERR_OP_LOAD` when the module has no such export */
export function exportOf(exports: Exports, url: string, name: string): unknown {
  if (Object.hasOwn(exports, name)) return exports[name];
  const names = Object.keys(exports);
  throw new MillraceError(
    'ERR_OP_LOAD',
    `Cannot find "${name}" in ${url} as it exports ${names.length > 0 ? `only ${names.join(', ')}` : 'nothing'}`,
  );
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : `a value of type ${typeof value}`;
}
