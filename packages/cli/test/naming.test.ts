import { expect, test } from 'vitest';
import { compressedName, decompressedName, gzipSuffix } from '../src/naming.js';

test('compressing adds .gz', () => {
  expect(compressedName('dir.gz/big.log')).toBe('dir.gz/big.log.gz');
});

test.each([
  ['a.gz', 'a'],
  ['a.z', 'a'],
  ['a.Z', 'a'],
  ['a-gz', 'a'],
  ['a-z', 'a'],
  ['a_z', 'a'],
  ['a.tgz', 'a.tar'],
  ['a.taz', 'a.tar'],
  ['A.TGZ', 'A.tar'],
  ['a.tar.GZ', 'a.tar'],
  ['dir/b.gz', 'dir/b'],
  ['.a.gz', '.a'],
])('decompressing %s makes %s', (packed, plain) => {
  expect(decompressedName(packed)).toBe(plain);
});

test.each(['a', 'gz', 'a.gz.txt', 'a.zip', '.gz', 'dir/.gz', '.tgz', ''])(
  '%j has no suffix of a compressed file',
  (name) => {
    expect(gzipSuffix(name)).toBeUndefined();
    expect(decompressedName(name)).toBeUndefined();
  },
);
