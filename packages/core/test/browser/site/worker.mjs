// The entry of every worker of the tests: does one job, and posts its result or what went wrong.

const fail = (error) => postMessage({ error: error?.stack ?? String(error) });

self.onunhandledrejection = (event) => {
  event.preventDefault();
  fail(event.reason);
};

self.onmessage = async ({ data: { module, job, orders } }) => {
  try {
    await holdLockForLife();
    const { jobs } = await import(module);
    postMessage({ result: await jobs[job](orders) });
  } catch (error) {
    fail(error);
  }
};

/** Takes the lock by which the page learns that this worker is dead: see `kill` in threads.mjs. */
function holdLockForLife() {
  return new Promise((held) => {
    void navigator.locks.request(self.name, () => {
      held();
      return new Promise(() => {});
    });
  });
}
