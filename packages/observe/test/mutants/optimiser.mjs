// Faults of observe/simulator and observe/optimiser: what is counted, what waits, and what is done about it.

const simulator = ['simulator/buffer-simulator'];
const evaluator = ['simulator/performance-evaluator'];
const strategies = ['optimiser/strategies'];
const optimiser = ['optimiser/buffer-optimizer'];

export const mutants = [
  {
    file: 'simulator/virtual-memory.js',
    fault: 'slices take no more than is asked for',
    edits: [['direct ? size : slotBytesFor(size)', 'size']],
    caughtBy: simulator,
  },
  {
    file: 'simulator/virtual-memory.js',
    fault: 'memory never runs out',
    edits: [['if (!direct && this.lentBytes + memoryBytes > this.memoryBytes) {', 'if (false) {']],
    caughtBy: simulator,
  },
  {
    file: 'simulator/buffer-simulator.js',
    fault: 'what waited comes back as if it had not',
    edits: [['this.#returnIn(lease, lease.servedMs - lease.sinceMs);', 'this.#release(lease);']],
    caughtBy: simulator,
  },
  {
    file: 'simulator/buffer-simulator.js',
    fault: 'a large one that waits keeps others waiting',
    edits: [['refused = lease.size; continue;', 'break;']],
    caughtBy: simulator,
  },
  {
    file: 'simulator/buffer-simulator.js',
    fault: 'what is before the time to be counted counts',
    edits: [['if (this.#sinceMs > this.#nowMs) this.#startCounting(this.#sinceMs);', '']],
    caughtBy: simulator,
  },
  {
    file: 'simulator/buffer-run.js',
    fault: 'memory counts from its change on, and not until then',
    edits: [['this.#byteMs += this.#bytes * (nowMs', 'this.#byteMs += bytes * (nowMs']],
    caughtBy: simulator,
  },
  {
    file: 'simulator/performance-evaluator.js',
    fault: 'the last few allocations count as much as the first',
    edits: [['gain(...made, FEW_ALLOCATIONS)', 'gain(...made)']],
    caughtBy: evaluator,
  },
  {
    file: 'optimiser/evidence.js',
    fault: 'a simulation is believed whatever was measured',
    edits: [['if (offBy > MOST_OFF) {', 'if (false) {']],
    caughtBy: strategies,
  },
  {
    file: 'optimiser/buffer-size-strategy.js',
    fault: 'the bound of hybrid moves with the class large',
    edits: [['manager.configure({ poolThreshold, ...', 'manager.configure({ ...']],
    caughtBy: strategies,
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'what is worse is kept',
    edits: [['if (gain.overallScore >= 0) {', 'if (true) {']],
    caughtBy: optimiser,
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'a dry run is none',
    edits: [['this.#dryRun || !this.#manager', '!this.#manager']],
    caughtBy: optimiser,
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'results are applied however unsure they are',
    edits: [['if (confidence <= this.#minConfidence) {', 'if (false) {']],
    caughtBy: optimiser,
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'no risk is too high',
    edits: [['RISK_LEVELS.indexOf(risk) > most', 'false']],
    caughtBy: optimiser,
  },
];
