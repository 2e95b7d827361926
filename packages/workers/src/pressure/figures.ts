/** Reads figures out of the small files in which Linux gives them. */
import { readFileSync } from 'node:fs';

/** The text of a small file, or `undefined` where there is none, or it may not be read. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** The number in the file `path`: Infinity for `max`, `undefined` where there is none. */
export function numberIn(path: string): number | undefined {
  const text = textOf(path)?.trim();
  if (text === 'max') return Infinity;
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The number behind `key` in lines of keys and numbers. */
export function numberBehind(key: string, text: string): number | undefined {
  const found = new RegExp(`^${key} (\\d+)$`, 'm').exec(text);
  return found ? Number(found[1]) : undefined;
}
