// Joins what tsc has made of a package, for the threads of a mill.
//
// A thread loads its modules while the first task waits for it. An ES module costs half a millisecond, a CommonJS file
// next to nothing. So all that the entries of dist have is joined into dist/joined/<name>.cjs; what they import when it
// is needed, into files beside it. For who imports an entry, dist/joined/<entry>.js takes its exports from there: whatever
// has an identity exists once. Threads find these files by the condition "millrace-thread".

import { rmSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { addressed, dist, manifest } from './package.mjs';

const joined = join(dist, 'joined');

/** @param {string} entry */
const fileOf = (entry) => join(dist, `${entry}.js`);

/** For each package its bundles, and for each of these its entries. What stands in two goes to the first. */
const BUNDLES = {
  '@millrace/core': { ground: ['ground'], mill: ['mill'], core: ['index', 'internal'] },
  '@millrace/workers': {
    hello: ['hello'],
    thread: ['index', 'worker'],
    seldom: ['threads/seldom'],
    branch: ['mill-branch', 'flow/node-byte-io'],
    ops: ['ops'],
  },
};

/** @type {keyof typeof BUNDLES} */
const packageName = JSON.parse(manifest).name;
const bundles = Object.entries(BUNDLES[packageName]).map(([name, entries]) => ({ name, entries }));

/** Which bundle a module belongs to: the first that cannot do without. @type {Map<string, string>} */
const homes = new Map();

/**
 * @param {string} id
 * @param {(id: string) => { importedIds: string[] } | null} infoOf
 * @param {string} home
 */
function gather(id, infoOf, home) {
  if (homes.has(id)) return;
  homes.set(id, home);
  for (const imported of infoOf(id)?.importedIds ?? []) gather(imported, infoOf, home);
}

// Core is joined on its own. A mill tells its threads where that is, as looking for it takes 2 ms; others that have their
// condition look for it. Each module takes what it needs of core from the least of its files that has all of that.
const GROUND = 'joined core, the ground';
const THREADS_CORE = 'joined core, for threads';
const WHOLE_CORE = 'joined core';

/** @type {Record<string, { entries: string[], address: string }>} */
const coreModules = {
  [GROUND]: {
    entries: ['ground'],
    address:
      "workerData?.millraceCore ? workerData.millraceCore + 'ground.cjs' : '@millrace/core/ground'",
  },
  [THREADS_CORE]: {
    entries: ['mill'],
    address:
      "workerData?.millraceCore ? workerData.millraceCore + 'mill.cjs' : '@millrace/core/mill'",
  },
  [WHOLE_CORE]: { entries: ['mill', 'index', 'internal'], address: "'@millrace/core/internal'" },
};

/** @param {string} id */
async function coreNames(id) {
  /** @type {Set<string>} */
  const names = new Set();
  const { resolve } = createRequire(fileOf('index'));
  for (const entry of coreModules[id]?.entries ?? []) {
    const path = resolve(`@millrace/core${entry === 'index' ? '' : `/${entry}`}`);
    for (const name of Object.keys(await import(pathToFileURL(path).href))) names.add(name);
  }
  return names;
}

/** @param {string} code */
function takenFromCore(code) {
  const lists = [...code.matchAll(/(?:im|ex)port \{([^}]*)\} from '@millrace\/core/g)];
  return lists.flatMap(([, list = '']) =>
    list.split(',').map((name) => name.replace(/ as .*/, '').trim()),
  );
}

export async function joinForThreads() {
  rmSync(joined, { recursive: true, force: true });
  const bundle = await rolldown({
    input: Object.fromEntries(bundles.map(({ name }) => [name, `joined:${name}`])),
    platform: 'node',
    external: [/^node:/, 'piscina'],
    // Chunks take what they share from the bundle of which it is a part, instead of a third file.
    preserveEntrySignatures: 'allow-extension',
    resolve: { conditionNames: ['millrace-thread', 'node', 'import', 'default'] },
    plugins: [
      {
        name: 'joined',
        buildEnd() {
          for (const { name } of bundles)
            gather(`joined:${name}`, (id) => this.getModuleInfo(id), name);
        },
        async resolveId(id, importer) {
          if (importer !== undefined && coreModules[importer]) return { id, external: true };
          if (id.startsWith('@millrace/core')) {
            const taken = takenFromCore(readFileSync(importer ?? '', 'utf8'));
            for (const least of [GROUND, THREADS_CORE]) {
              const known = await coreNames(least);
              if (taken.every((name) => known.has(name))) return least;
            }
            return WHOLE_CORE;
          }
          return id.startsWith('joined:') ? id : undefined;
        },
        async load(id) {
          const core = coreModules[id];
          if (core) {
            const names = [...(await coreNames(id))].join(', ');
            return [
              "import { workerData } from 'node:worker_threads';",
              `export const { ${names} } = require(${core.address});`,
            ].join('\n');
          }
          const asked = bundles.find(({ name }) => id === `joined:${name}`);
          if (asked) {
            const paths = asked.entries.map((entry) => JSON.stringify(fileOf(entry)));
            return paths.map((path) => `export * from ${path};`).join('\n');
          }
          return addressed(id, joined);
        },
      },
    ],
  });
  const { output } = await bundle.write({
    dir: joined,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    sourcemap: true,
    comments: false,
    codeSplitting: {
      groups: bundles.map(({ name }) => ({
        name: `${name}-modules`,
        test: (id) => homes.get(id) === name,
      })),
    },
  });

  for (const { name, entries } of bundles) {
    const chunk = output.find((file) => file.fileName === `${name}.cjs`);
    const exported = chunk?.type === 'chunk' ? chunk.exports : [];
    for (const entry of entries) {
      if (!manifest.includes(`./dist/joined/${entry}.js`)) continue;
      const names = Object.keys(await import(pathToFileURL(fileOf(entry)).href));
      const lost = names.filter((wanted) => !exported.includes(wanted));
      if (lost.length > 0) throw new Error(`${name}.cjs has no ${lost.join(', ')} of ${entry}.js`);
      writeFileSync(
        join(joined, `${entry}.js`),
        // No import: it would be another module to link, while a task waits.
        [
          "const { createRequire } = process.getBuiltinModule('node:module');",
          `export const { ${names.join(', ')} } = createRequire(import.meta.url)('./${name}.cjs');`,
          '',
        ].join('\n'),
      );
    }
  }
}
