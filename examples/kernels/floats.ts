/**
 * Numbers in a slice, four at a time: the WebAssembly side of `standardise.ts`.
 *
 * A kernel touches nothing but what it is given addresses of. Sums are kept in double precision, in
 * four lanes: number i goes to lane i modulo 4. So the result is the same on every machine.
 */

/** The sum of `count` numbers from `at` on. */
export function sum(at: usize, count: i32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const end = at + (((<usize>count) & ~3) << 2);
  for (; at < end; at += 16) {
    const four = v128.load(at);
    low = f64x2.add(low, f64x2.promote_low_f32x4(four));
    high = f64x2.add(high, f64x2.promote_low_f32x4(upper(four)));
  }
  return total(low, high) + sumOfRest(at, count & 3);
}

/** The sum of the squares of how far `count` numbers are from `mean`. */
export function squares(at: usize, count: i32, mean: f64): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const means = f64x2.splat(mean);
  const end = at + (((<usize>count) & ~3) << 2);
  for (; at < end; at += 16) {
    const four = v128.load(at);
    const first = f64x2.sub(f64x2.promote_low_f32x4(four), means);
    const second = f64x2.sub(f64x2.promote_low_f32x4(upper(four)), means);
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
  }
  let rest: f64 = 0;
  for (let i = 0; i < (count & 3); i++) {
    const difference = <f64>load<f32>(at + ((<usize>i) << 2)) - mean;
    rest += difference * difference;
  }
  return total(low, high) + rest;
}

/** Makes each number x of `count` (x - mean) × factor, where it lies. */
export function standardise(at: usize, count: i32, mean: f64, factor: f64): void {
  const means = f64x2.splat(mean);
  const factors = f64x2.splat(factor);
  const end = at + (((<usize>count) & ~3) << 2);
  for (; at < end; at += 16) {
    const four = v128.load(at);
    const first = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(four), means), factors);
    const second = f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(upper(four)), means), factors);
    v128.store64_lane(at, f32x4.demote_f64x2_zero(first), 0);
    v128.store64_lane(at + 8, f32x4.demote_f64x2_zero(second), 0);
  }
  for (let i = 0; i < (count & 3); i++, at += 4) {
    store<f32>(at, <f32>((<f64>load<f32>(at) - mean) * factor));
  }
}

/** The upper two of four numbers, in the place of the lower two. */
function upper(four: v128): v128 {
  return v128.shuffle<i64>(four, four, 1, 0);
}

function total(low: v128, high: v128): f64 {
  const first = f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1);
  const second = f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1);
  return first + second;
}

function sumOfRest(at: usize, count: i32): f64 {
  let rest: f64 = 0;
  for (let i = 0; i < count; i++) rest += <f64>load<f32>(at + ((<usize>i) << 2));
  return rest;
}
