/** A thread that starts or loads does not hold the process; whoever waits for it does. */

/** The longest that a timer of Node's can run. */
const LONGEST_MS = 2 ** 31 - 1;

/** What `pending` comes to; the process stays alive until then. */
export async function holding<T>(pending: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, LONGEST_MS);
  try {
    return await pending;
  } finally {
    clearInterval(timer);
  }
}
