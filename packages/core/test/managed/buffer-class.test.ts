/** Which class serves which size. */
import {
  BUFFER_CLASSES,
  BUFFER_EVENT_TYPES,
  DEFAULT_BUFFER_SIZES,
  bufferClassOf,
  type BufferClass,
} from '@millrace/core';
import { expect, test } from 'vitest';

const KiB = 1024;
const MiB = 1024 * KiB;

test('there are four classes, and buffers of four sizes', () => {
  expect(BUFFER_CLASSES).toEqual(['small', 'medium', 'large', 'huge']);
  expect(DEFAULT_BUFFER_SIZES).toEqual({
    small: 4 * KiB,
    medium: 64 * KiB,
    large: 1 * MiB,
    huge: 4 * MiB,
  });
});

test.each<[number, BufferClass]>([
  [1, 'small'],
  [4 * KiB, 'small'],
  [4 * KiB + 1, 'medium'],
  [64 * KiB, 'medium'],
  [64 * KiB + 1, 'large'],
  [1 * MiB, 'large'],
  [1 * MiB + 1, 'huge'],
  [4 * MiB, 'huge'],
  [64 * MiB, 'huge'],
])('%d bytes are %s', (size, bufferClass) => {
  expect(bufferClassOf(size)).toBe(bufferClass);
});

test('other sizes are other bounds', () => {
  const sizes = { small: 10, medium: 20, large: 30, huge: 40 };
  const classes = [10, 11, 20, 21, 30, 31, 41].map((size) => bufferClassOf(size, sizes));
  expect(classes).toEqual(['small', 'medium', 'medium', 'large', 'large', 'huge', 'huge']);
});

test('eight things can become of a buffer', () => {
  const eight = 'allocated, retrieved, returned, resized, reset, destroyed, corruption, leak'.split(
    ', ',
  );
  expect(BUFFER_EVENT_TYPES).toEqual(eight);
});
