// Faults of what a mill does when memory is short or not in use: it is told wrongly, or stays resident.

const givingBack = ['test/pressure/giving-back.test'];

export const mutants = [
  {
    file: 'coordinator.js',
    fault: 'parked workers are not woken when an arena is dropped',
    edits: [['this.crew.renew(message);', 'this.crew.announce({ ...message, urgent: false });']],
    caughtBy: givingBack,
  },
  {
    file: 'threads/drain.js',
    fault: 'a worker parks before its collector has taken what was dropped',
    edits: [['|| this.#lettingGo.goingOn', '']],
    caughtBy: givingBack,
  },
  {
    file: 'threads/letting-go.js',
    fault: "a worker's collector does not hear of what was dropped",
    edits: [['callCollector();', '']],
    caughtBy: givingBack,
  },
  {
    file: 'pressure/cgroup.js',
    fault: 'the page cache counts as used',
    edits: [['current - cleanBytes(folder)', 'current']],
    caughtBy: ['test/pressure/cgroup.test'],
  },
];
