/** A key by which params are recognised when they come again: equal keys mean equal params. */
import { serialize } from 'node:v8';

/** Bytes of params that are worth comparing, and keeping while nobody uses them. */
const LARGEST_KEY = 16 * 1024;

/**
 * Objects of these kinds are what their content says. Others may hold more than can be seen: from Node 22
 * on, V8 serializes all Blobs alike.
 */
const PLAIN = new Set<unknown>(
  [Object, Array, Map, Set, Date, RegExp].map(({ prototype }) => prototype as unknown),
);

/**
 * The key of `params`; `undefined` when they are too large, or hold what cannot be compared: shared
 * memory, ports, functions, instances of classes. Properties in another order make another key.
 */
export function keyOf(params: unknown): string | undefined {
  const flat = flatKey(params);
  if (flat !== undefined) return flat;
  try {
    if (!isPlain(params, new Set())) return undefined;
    const bytes = serialize(params);
    return bytes.length <= LARGEST_KEY ? bytes.toString('latin1') : undefined;
  } catch {
    // A getter threw: whoever clones the params will tell.
    return undefined;
  }
}

/** For params without objects in them, ten times as quick. */
function flatKey(params: unknown): string | undefined {
  if (params === undefined) return '';
  if (params === null) return 'null';
  if (typeof params !== 'object' || Object.getPrototypeOf(params) !== Object.prototype)
    return undefined;
  let key = '{';
  for (const [name, value] of Object.entries(params)) {
    if ((typeof value === 'object' && value !== null) || typeof value === 'function')
      return undefined;
    const text =
      typeof value === 'string'
        ? JSON.stringify(value)
        : Object.is(value, -0)
          ? '-0'
          : String(value);
    key += `${JSON.stringify(name)}:${typeof value}:${text},`;
  }
  return key;
}

function isPlain(value: unknown, seen: Set<unknown>): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false;
  if (typeof value !== 'object' || value === null || seen.has(value)) return true;
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    return value.buffer instanceof ArrayBuffer && value.byteLength <= LARGEST_KEY;
  }
  if (value instanceof ArrayBuffer) return value.byteLength <= LARGEST_KEY;
  if (!PLAIN.has(Object.getPrototypeOf(value))) return false;
  const all = (values: Iterable<unknown>): boolean =>
    [...values].every((each) => isPlain(each, seen));
  if (value instanceof Map && !(all(value.keys()) && all(value.values()))) return false;
  if (value instanceof Set && !all(value)) return false;
  return all(Object.values(value));
}
