import { BufferPools, SliceChain, type Slice } from '@millrace/core';
import fc from 'fast-check';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readvSync,
  rmSync,
  writevSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeOf } from './thrown.ts';

const pools = BufferPools.create({ memory: 64 * 1024 * 1024 }, 0);

/** A slice of `length` bytes, none of which is like its neighbours. */
function sliceOf(length: number, first = 0): Slice {
  const slice = pools.acquire(Math.max(1, length));
  for (let i = 0; i < slice.byteLength; i++) slice.bytes[i] = (first + i * 7) & 0xff;
  return slice;
}

function bytesOf(chain: SliceChain): number[] {
  const target = new Uint8Array(chain.byteLength);
  expect(chain.copyTo(target)).toBe(chain.byteLength);
  return [...target];
}

function leased(): number {
  return pools.stats().slices.live;
}

describe('A slice chain', () => {
  test('is the bytes of its segments in order, through every cut and join, and releases each slice once', () => {
    const step = fc.record({
      action: fc.constantFrom('append', 'prepend', 'again', 'split', 'join', 'consume', 'release'),
      length: fc.nat(20),
      which: fc.nat(10),
      place: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const before = leased();
        const slices: Slice[] = [];
        const chains = [{ chain: new SliceChain(), model: [] as number[] }];
        for (const [index, { action, length, which, place }] of steps.entries()) {
          const own = chains[which % chains.length]!;
          const offset = Math.floor(place * own.model.length);
          switch (action) {
            case 'append':
            case 'prepend': {
              const slice = sliceOf(length, index * 31);
              slices.push(slice);
              const from = Math.floor(place * slice.byteLength);
              own.chain[action](slice, from);
              const bytes = slice.bytes.subarray(from);
              own.model = action === 'append' ? [...own.model, ...bytes] : [...bytes, ...own.model];
              break;
            }
            case 'again': {
              const slice = slices[which % Math.max(1, slices.length)];
              if (!slice?.live) break;
              own.chain.append(slice, 0, 1);
              own.model.push(slice.bytes[0]!);
              break;
            }
            case 'split':
              chains.push({ chain: own.chain.split(offset), model: own.model.splice(offset) });
              break;
            case 'join': {
              const other = chains[(which + 1) % chains.length]!;
              own.chain.join(other.chain);
              if (other === own) break;
              own.model.push(...other.model);
              other.model = [];
              break;
            }
            case 'consume':
              own.chain.consume(offset);
              own.model.splice(0, offset);
              break;
            case 'release':
              own.chain.release();
              own.model = [];
              break;
          }
          for (const { chain, model } of chains) {
            expect(chain.byteLength).toBe(model.length);
            expect(bytesOf(chain)).toEqual(model);
            expect(chain.vectors().flatMap((view) => [...view])).toEqual(model);
            const wanted = model.slice(offset, offset + 2);
            const from = model.findIndex(
              (byte, at) =>
                at + wanted.length <= model.length &&
                wanted.every((each, i) => model[at + i] === each) &&
                byte === byte,
            );
            if (wanted.length > 0) expect(chain.indexOf(Uint8Array.from(wanted))).toBe(from);
          }
        }
        for (const { chain } of chains) chain[Symbol.dispose]();
        expect(slices.filter(({ live }) => live)).toEqual([]);
        expect(leased()).toBe(before);
      }),
      { numRuns: 1000 },
    );
  });

  test('keeps a slice that was split until both chains have let go of it', () => {
    const slice = sliceOf(10);
    const head = SliceChain.of(slice);
    const tail = head.split(4);
    expect([head.byteLength, tail.byteLength]).toEqual([4, 6]);
    // The same memory, not a copy.
    tail.vectors()[0]![0] = 99;
    expect(slice.bytes[4]).toBe(99);
    head.release();
    expect(slice.live).toBe(true);
    tail.release();
    expect(slice.live).toBe(false);
    tail.release();
  });

  test('copies any range to any place, as much as fits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
        fc.nat(60),
        fc.nat(60),
        fc.nat(20),
        (lengths, a, b, at) => {
          using chain = SliceChain.of(...lengths.map((length, i) => sliceOf(length, i * 50)));
          const all = bytesOf(chain);
          const [from, to] = [Math.min(a, b, all.length), Math.min(Math.max(a, b), all.length)];
          const target = new Uint8Array(30).fill(0xee);
          const count = Math.min(to - from, 30 - at);
          expect(chain.copyTo(target, at, from, to)).toBe(count);
          const wanted = new Uint8Array(30).fill(0xee);
          wanted.set(all.slice(from, from + count), at);
          expect(target).toEqual(wanted);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('finds bytes across segments, from anywhere on', () => {
    using chain = new SliceChain();
    for (const text of ['aab', '', 'aabc', 'x', 'aab']) {
      const slice = pools.acquire(8);
      slice.bytes.set(new TextEncoder().encode(text));
      chain.append(slice, 0, text.length);
    }
    const text = 'aabaabcxaab';
    for (const wanted of [
      'a',
      'b',
      'aabc',
      'baab',
      'cxa',
      'xaab',
      'aabaabcxaab',
      'q',
      'aabq',
      'bb',
      '',
    ]) {
      for (let from = 0; from <= text.length; from++) {
        expect(chain.indexOf(new TextEncoder().encode(wanted), from)).toBe(
          text.indexOf(wanted, from),
        );
      }
    }
    expect(chain.indexOf('c'.charCodeAt(0))).toBe(6);
  });

  test('is read and written by the system in one call each', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-chain-'));
    const path = join(folder, 'file');
    try {
      using chain = SliceChain.of(sliceOf(100, 1), sliceOf(5000, 2), sliceOf(7, 3));
      const file = openSync(path, 'w+');
      expect(writevSync(file, chain.vectors(), 0)).toBe(chain.byteLength);
      expect([...readFileSync(path)]).toEqual(bytesOf(chain));
      using copy = SliceChain.of(sliceOf(3000), sliceOf(2107));
      expect(readvSync(file, copy.vectors(), 0)).toBe(chain.byteLength);
      closeSync(file);
      expect(bytesOf(copy)).toEqual(bytesOf(chain));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('releases all others when somebody else has released one of its slices', () => {
    const slices = [sliceOf(1), sliceOf(2), sliceOf(3)];
    const chain = SliceChain.of(...slices);
    slices[1]!.release();
    expect(codeOf(() => chain.release())).toBe('ERR_SLICE_STALE');
    expect(slices.some(({ live }) => live)).toBe(false);
    expect(chain.stats()).toEqual({ segments: 0, slices: 0, byteLength: 0 });
    chain.release();
  });

  test('refuses ranges and slices that cannot be, and stays as it was', () => {
    using chain = SliceChain.of(sliceOf(4));
    const slice = sliceOf(4);
    for (const [from, to] of [
      [-1, 2],
      [3, 2],
      [0, 5],
      [0.5, 2],
      [0, Number.NaN],
    ] as const) {
      expect(codeOf(() => chain.append(slice, from, to))).toBe('ERR_INVALID_ARG');
    }
    for (const offset of [-1, 5, 0.5, Number.NaN]) {
      expect(codeOf(() => chain.split(offset))).toBe('ERR_INVALID_ARG');
      expect(codeOf(() => chain.consume(offset))).toBe('ERR_INVALID_ARG');
      expect(codeOf(() => chain.indexOf(1, offset))).toBe('ERR_INVALID_ARG');
      expect(codeOf(() => chain.copyTo(new Uint8Array(9), 0, offset))).toBe('ERR_INVALID_ARG');
    }
    slice.release();
    expect(codeOf(() => chain.append(slice))).toBe('ERR_SLICE_STALE');
    expect(chain.stats()).toEqual({ segments: 1, slices: 1, byteLength: 4 });
  });
});
