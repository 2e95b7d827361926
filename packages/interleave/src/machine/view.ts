/**
 * A view: a stand-in for a typed array whose plain accesses are seen.
 *
 * A proxy hands reads and writes by index to two functions. Methods of arrays work through single
 * accesses. What would let an access escape, such as `buffer`, throws.
 */
type Elements = Int32Array | Uint8Array;

export interface Access<T> {
  read(index: number): number;
  write(index: number, value: number): void;
  /** The view of a part. */
  part(begin: number, end: number): T;
}

/** Those methods of arrays that do the same for typed arrays, one access after the other. */
const SAME_METHODS = new Set<PropertyKey>([
  'at',
  'copyWithin',
  'entries',
  'every',
  'fill',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
  'forEach',
  'includes',
  'indexOf',
  'join',
  'keys',
  'lastIndexOf',
  'reduce',
  'reduceRight',
  'reverse',
  'some',
  'values',
  Symbol.iterator,
]);

/** Makes a view that passes for `target`, which lends it its type and its length. */
export function viewLike<T extends Elements>(target: T, access: Access<T>): T {
  const { length } = target;
  const methods = {
    set(source: ArrayLike<number>, at = 0): void {
      if (at < 0 || at + source.length > length) {
        throw new RangeError(`Cannot set ${source.length} elements at ${at} of ${length}`);
      }
      // As typed arrays do it: the source is read before anything is written, should they overlap.
      for (const [i, value] of Array.from(source).entries()) access.write(at + i, value);
    },
    subarray(begin = 0, end = length): T {
      const from = relative(begin, length);
      return access.part(from, Math.max(relative(end, length), from));
    },
    slice(begin = 0, end = length): T {
      const values = Array.from(methods.subarray(begin, end));
      return (target.constructor as unknown as { from(values: number[]): T }).from(values);
    },
  };
  return new Proxy(target, {
    get(_, key) {
      if (typeof key === 'string') {
        const index = +key;
        // An index is its own number again; all other names are no numbers.
        if (index >>> 0 === index) return index < length ? access.read(index) : undefined;
        if (Object.hasOwn(methods, key)) return methods[key as keyof typeof methods];
        if (key === 'buffer') {
          throw new TypeError(
            'Cannot use the buffer of explored memory: its accesses would not be seen',
          );
        }
      }
      if (SAME_METHODS.has(key)) return Reflect.get(Array.prototype, key);
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value === 'function' && key !== 'constructor') {
        throw new TypeError(`Cannot call ${String(key)} of explored memory`);
      }
      return value;
    },
    set(_, key, value: unknown) {
      const index = typeof key === 'string' ? +key : -1;
      if (index >>> 0 !== index)
        throw new TypeError(`Cannot set ${String(key)} of explored memory`);
      const number = +(value as number);
      if (index < length) access.write(index, number);
      return true;
    },
  });
}

/** What `subarray` makes of its arguments. */
function relative(index: number, length: number): number {
  const integer = Math.trunc(index) || 0;
  return integer < 0 ? Math.max(length + integer, 0) : Math.min(integer, length);
}
