/** What the kernel of `kernels/floats.ts` must give, bit for bit, in plain TypeScript: four lanes, then the rest. */

export function sum(floats: Float32Array): number {
  return inLanes(floats, (x) => x);
}

export function squares(floats: Float32Array, mean: number): number {
  return inLanes(floats, (x) => (x - mean) * (x - mean));
}

export function standardise(floats: Float32Array, mean: number, factor: number): void {
  for (let i = 0; i < floats.length; i++) floats[i] = (floats[i]! - mean) * factor;
}

function inLanes(floats: Float32Array, term: (x: number) => number): number {
  const lanes: [number, number, number, number] = [0, 0, 0, 0];
  const whole = floats.length - (floats.length % 4);
  for (let i = 0; i < whole; i++) lanes[(i % 4) as 0 | 1 | 2 | 3] += term(floats[i]!);
  let rest = 0;
  for (const x of floats.subarray(whole)) rest += term(x);
  return lanes[0] + lanes[1] + (lanes[2] + lanes[3]) + rest;
}
