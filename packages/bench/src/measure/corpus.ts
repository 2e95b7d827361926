/**
 * The corpus: one large file of what developers' disks are full of, a third of it programs and the rest
 * source text. It is made of what this machine has, always in the same order, and kept in the temporary
 * folder until its ingredients change.
 */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { repositoryRoot } from './repository.js';

const PREFIX = 'millrace-bench-corpus-';
const PROGRAM_SHARE = 1 / 3;

interface Ingredient {
  readonly path: string;
  readonly size: number;
}

/** The path of a corpus of exactly `size` bytes. */
export async function corpus(size: number): Promise<string> {
  const recipe = recipeFor(size);
  const key = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 12);
  const name = `${PREFIX}${size}-${key}`;
  const path = join(tmpdir(), name);
  if (existsSync(path)) return path;
  removeOutdated(size);
  // Beside it and then renamed, so that a file of that name is whole.
  const unfinished = join(tmpdir(), `${name}.${process.pid}`);
  try {
    await pipeline(contentOf(recipe), createWriteStream(unfinished));
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return path;
}

/** Which bytes of which files: programs up to their share, then text, from the beginning again when it runs out. */
function recipeFor(size: number): Ingredient[] {
  const recipe: Ingredient[] = [];
  const programs = Math.floor(size * PROGRAM_SHARE);
  let left = size - fill(recipe, [sized(process.execPath)], programs);
  const texts = textFiles();
  while (left > 0) left -= fill(recipe, texts, left);
  return recipe;
}

/** Appends files until `most` bytes are reached, cutting the last one short; how many bytes that were. */
function fill(recipe: Ingredient[], files: readonly Ingredient[], most: number): number {
  let filled = 0;
  for (const { path, size } of files) {
    if (filled === most) break;
    const taken = Math.min(size, most - filled);
    recipe.push({ path, size: taken });
    filled += taken;
  }
  return filled;
}

async function* contentOf(recipe: readonly Ingredient[]): AsyncGenerator<Buffer> {
  for (const { path, size } of recipe) {
    if (size === 0) continue;
    for await (const piece of createReadStream(path, { end: size - 1 })) yield piece as Buffer;
  }
}

function textFiles(): Ingredient[] {
  return [
    ...filesIn(join(repositoryRoot, 'node_modules', '.pnpm'), /\.(?:[cm]?js|ts|map)$/),
    ...filesIn('/usr/include', /\.(?:h|hpp)$/),
    ...filesIn('/usr/lib/python3', /\.py$/),
    // Should a machine have none of these: there is always this program.
    sized(process.execPath),
  ];
}

/** Regular files below `folder` whose name fits, in the order of their paths. */
function filesIn(folder: string, fitting: RegExp): Ingredient[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && fitting.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map(sized);
}

function sized(path: string): Ingredient {
  return { path, size: statSync(path).size };
}

function removeOutdated(size: number): void {
  for (const name of readdirSync(tmpdir())) {
    // Only whole ones: an unfinished one has its maker's process id at its end, who may be at it.
    if (name.startsWith(`${PREFIX}${size}-`) && !name.includes('.'))
      rmSync(join(tmpdir(), name), { force: true });
  }
}
