/**
 * V8's serialization. Node loads it in a millisecond, which the first task of a thread need not wait for: most need
 * none.
 */
export function serialize(value: unknown): Buffer {
  return process.getBuiltinModule('node:v8').serialize(value);
}

export function deserialize(bytes: Uint8Array): unknown {
  return process.getBuiltinModule('node:v8').deserialize(bytes);
}
