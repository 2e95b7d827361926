/** The same values in an order by chance, which is the same each time. */
export function shuffled<T>(values: readonly T[], seed = 1): T[] {
  const order = [...values];
  let state = seed;
  for (let i = order.length - 1; i > 0; i--) {
    // The lower bits of such numbers repeat themselves soon.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
