/** Waits for conditions, never for times. */
const PATIENCE_MS = 30_000;

/** Resolves once `condition` holds; fails when that takes absurdly long. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`After ${PATIENCE_MS} ms this did not hold: ${String(condition)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Resolves once a value has not changed for a good while. */
export async function standstill(value: () => number): Promise<void> {
  let seen = Number.NaN;
  let looks = 0;
  await until(() => {
    looks = value() === seen ? looks + 1 : 0;
    seen = value();
    return looks >= 20;
  });
}
