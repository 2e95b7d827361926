/**
 * What was thrown, on its way to another thread: structured cloning keeps an error's kind, message, stack
 * and cause, but loses its own name, its code and whatever else was attached to it.
 */

/** Names and values that an error is to have again. */
export type Traits = Readonly<Record<string, unknown>>;

/** What cloning would lose of `error`, as far as it can be cloned; `undefined` for what is no error. */
export function traitsOf(error: unknown): Traits | undefined {
  if (!(error instanceof Error)) return undefined;
  const traits: Record<string, unknown> = {};
  for (const key of new Set(['name', 'code', ...Object.keys(error)])) {
    const value: unknown = Reflect.get(error, key);
    if (value !== undefined && canBeCloned(value)) traits[key] = value;
  }
  return traits;
}

/** Gives `error`, a clone, its traits again. */
export function withTraits(error: unknown, traits: Traits | undefined): unknown {
  if (!(error instanceof Error)) return error;
  for (const [key, value] of Object.entries(traits ?? {})) {
    // As it is on every error: not among what is listed of it.
    const enumerable = key !== 'name';
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  }
  return error;
}

export function canBeCloned(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return typeof value !== 'function' && typeof value !== 'symbol';
  }
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
