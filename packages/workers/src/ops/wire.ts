/**
 * Parcels as bytes, for those that fit a slice. The first byte tells which form it is:
 *
 *   FF 0F   V8's serialization: the number of notes, then the value, or [value, notes]
 *   00      no parcel, but the note of a slice that holds it: words 0, ref, lease, byteLength
 *   other   the value as JSON
 */
import { Deserializer, Serializer } from 'node:v8';
import type { Note, Parcel } from './parcel.js';

const V8 = 0xff;
const POINTER = 0;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function toBytes({ value, notes, form }: Parcel): Uint8Array {
  if (form === 'json') return encoder.encode(JSON.stringify(value));
  const serializer = new Serializer();
  serializer.writeHeader();
  serializer.writeUint32(notes.length);
  serializer.writeValue(notes.length === 0 ? value : [value, notes]);
  return serializer.releaseBuffer();
}

export function fromBytes(bytes: Uint8Array): { value: unknown; notes: readonly Note[] } {
  if (bytes[0] !== V8) return { value: JSON.parse(decoder.decode(bytes)) as unknown, notes: [] };
  const deserializer = new Deserializer(bytes);
  deserializer.readHeader();
  const count = deserializer.readUint32();
  const read: unknown = deserializer.readValue();
  if (count === 0) return { value: read, notes: [] };
  const [value, notes] = read as [unknown, Note[]];
  return { value, notes };
}

/** Bytes that say in which slice the parcel's bytes lie. */
export function pointerTo(note: Note): Uint8Array {
  return new Uint8Array(Int32Array.of(POINTER, ...note).buffer);
}

/** The note in `bytes` if they are but a pointer. */
export function pointerIn(bytes: Uint8Array): Note | undefined {
  if (bytes[0] !== POINTER) return undefined;
  return [...new Int32Array(bytes.slice().buffer, 4)];
}
