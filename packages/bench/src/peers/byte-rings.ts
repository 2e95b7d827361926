/** Byte rings between two threads, ours and another's, each used as its documentation says. */
import { RingBuffer } from 'ringbuf.js';
import { ByteRing } from '@millrace/core';

/** Moves one whole message into a ring, or out of it. Returns 0 when it cannot be done now. */
export type Move = (message: Uint8Array) => number;

/** A ring as threads see it; what `make` returns can be posted to them. */
interface Contestant<Memory> {
  readonly make: (capacityBytes: number) => Memory;
  readonly writer: (memory: Memory) => Move;
  readonly reader: (memory: Memory) => Move;
}

type Shared = Pick<ByteRing, 'words' | 'bytes'>;

/** Messages that our ring publishes, or frees, at a time where it moves them in batches. */
export const BATCH = 16;

const millrace: Contestant<Shared> = {
  make: makeOurs,
  writer({ words, bytes }) {
    const writer = new ByteRing(words, 0, bytes).writer();
    return (message) => writer.write(message);
  },
  reader({ words, bytes }) {
    const reader = new ByteRing(words, 0, bytes).reader();
    return (message) => reader.read(message);
  },
};

const millraceInBatches: Contestant<Shared> = {
  make: makeOurs,
  writer({ words, bytes }) {
    const writer = new ByteRing(words, 0, bytes).writer();
    let count = 0;
    return (message) => {
      const done = writer.put(message);
      if (done === 0 || ++count % BATCH === 0) writer.publish();
      return done;
    };
  },
  reader({ words, bytes }) {
    const reader = new ByteRing(words, 0, bytes).reader();
    let count = 0;
    return (message) => {
      const done = reader.take(message);
      if (done === 0 || ++count % BATCH === 0) reader.free();
      return done;
    };
  },
};

const ringbuf: Contestant<SharedArrayBuffer> = {
  make: (capacityBytes) => RingBuffer.getStorageForCapacity(capacityBytes, Uint8Array),
  writer(storage) {
    const ring = new RingBuffer(storage, Uint8Array);
    return (message) => ring.push(message);
  },
  reader(storage) {
    const ring = new RingBuffer(storage, Uint8Array);
    return (message) => ring.pop(message);
  },
};

function makeOurs(capacityBytes: number): Shared {
  const { words, bytes } = ByteRing.create(capacityBytes);
  return { words, bytes };
}

export const byteRings = { millrace, millraceInBatches, ringbuf };

export type ByteRingName = keyof typeof byteRings;
