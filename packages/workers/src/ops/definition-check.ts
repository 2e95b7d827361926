/** What is wrong with an op's definition, for those whom no compiler tells. */
import type { AnyDefinition } from './definition.js';

/** A definition as someone wrote it: anything may stand anywhere. */
type Written = { readonly [Key in keyof AnyDefinition<never>]?: unknown };

const KINDS = ['inPlace', 'outputBound', 'generates'] as const;
const FRAME = ['start', 'head', 'join', 'tail'] as const;

/** The fault, as the end of a sentence that begins with what cannot be done; `undefined` when there is none. */
export function faultOf(definition: unknown): string | undefined {
  if (typeof definition !== 'object' || definition === null) {
    return `its definition must be an object: got ${String(definition)}`;
  }
  const written: Written = definition;
  return kindFault(written) ?? functionFault(written) ?? splitFault(written) ?? mergeFault(written);
}

function kindFault(written: Written): string | undefined {
  const said = KINDS.filter((key) => written[key] !== undefined);
  if (said.length > 1) return `it can be of one kind only: got "${said.join('" and "')}"`;
  for (const key of ['inPlace', 'generates'] as const) {
    const value = written[key];
    if (value !== undefined && value !== true)
      return `"${key}" can only be true: got ${show(value)}`;
  }
  return undefined;
}

function functionFault(written: Written): string | undefined {
  if (typeof written.run !== 'function') {
    return `"run" must be a function: got ${show(written.run)}`;
  }
  for (const key of ['params', 'setup', 'teardown', 'outputBound'] as const) {
    const value = written[key];
    if (value !== undefined && typeof value !== 'function') {
      return `"${key}" must be a function: got ${show(value)}`;
    }
  }
  // Generators that were compiled to something else are found out by what `run` returns.
  if (written.generates !== true && written.run.constructor.name.endsWith('GeneratorFunction')) {
    return '"run" is a generator: say "generates: true"';
  }
  return undefined;
}

function splitFault({ split, inPlace, generates }: Written): string | undefined {
  if (split === undefined) return undefined;
  if (generates) return 'an op that generates cannot have a "split"';
  if (typeof split !== 'object' || split === null) {
    return `"split" must be an object with a "size": got ${show(split)}`;
  }
  const { size, overlap = 0 } = split as { size?: unknown; overlap?: unknown };
  if (!Number.isSafeInteger(size) || (size as number) < 1) {
    return `"split.size" must be a positive integer: got ${show(size)}`;
  }
  if (!Number.isSafeInteger(overlap) || (overlap as number) < 0) {
    return `"split.overlap" must be an integer of at least 0: got ${show(overlap)}`;
  }
  if (inPlace && overlap !== 0) {
    return `an op in place cannot have an overlap, as the chunk before may have changed already: got ${show(overlap)}`;
  }
  return undefined;
}

function mergeFault({ split, merge, inPlace, outputBound }: Written): string | undefined {
  if (merge !== undefined && split === undefined) return '"merge" is of no use without a "split"';
  if (split === undefined) return undefined;
  if (inPlace || outputBound) {
    if (merge === undefined || merge === 'concatenate') return undefined;
    if (inPlace) return `"merge" of an op in place can only be 'concatenate': got ${show(merge)}`;
    return isFrame(merge)
      ? undefined
      : `"merge" of a transform must be 'concatenate' or have the functions ${FRAME.join(', ')}: got ${show(merge)}`;
  }
  return typeof merge === 'function'
    ? undefined
    : `an op that gives a value and has a "split" needs a function "merge": got ${show(merge)}`;
}

function isFrame(merge: unknown): boolean {
  if (typeof merge !== 'object' || merge === null) return false;
  const frame = merge as { readonly [Key in (typeof FRAME)[number]]?: unknown };
  return FRAME.every((key) => typeof frame[key] === 'function');
}

/** A value that was wrong, for a message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
    ? `a value of type ${value.constructor?.name ?? typeof value}`
    : String(value);
}
