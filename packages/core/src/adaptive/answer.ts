/** An answer that may be there at once. */
export type Answer<T> = T | Promise<T>;

export function isPromise<T>(answer: Answer<T>): answer is Promise<T> {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    typeof (answer as Partial<Promise<T>>).then === 'function'
  );
}
