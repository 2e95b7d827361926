// What tsc has made of the package in whose folder this runs.

import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export const dist = join(process.cwd(), 'dist');
export const manifest = readFileSync('package.json', 'utf8');

/**
 * A module, for a bundle in `folder`. It keeps its own address there: other threads know it by that.
 *
 * @param {string} id The path of the module; of others nothing is known here
 * @param {string} folder
 */
export function addressed(id, folder) {
  if (!id.startsWith(dist + sep)) return undefined;
  const path = relative(folder, id).split(sep).join('/');
  const address = `new URL(${JSON.stringify(path)}, import.meta.url).href`;
  return {
    code: readFileSync(id, 'utf8').replaceAll('import.meta.url', address),
    map: readFileSync(`${id}.map`, 'utf8'),
  };
}
