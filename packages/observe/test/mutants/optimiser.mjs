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
    edits: [['return Math.max(made, FEW_ALLOCATIONS);', 'return made;']],
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
  {
    file: 'simulator/performance-evaluator.js',
    fault: 'more memory is a gain',
    edits: [['memoryReduction: -change(', 'memoryReduction: change(']],
    caughtBy: ['simulator/performance-evaluator'],
  },
  {
    file: 'simulator/performance-evaluator.js',
    fault: 'more latency is a gain',
    edits: [['latencyReduction: -change(', 'latencyReduction: change(']],
    caughtBy: ['simulator/performance-evaluator'],
  },
  {
    file: 'simulator/performance-evaluator.js',
    fault: 'gets that fail do not count',
    edits: [['if (failed[0] === 0 && failed[1] === 0)', 'if (true)']],
    caughtBy: ['simulator/performance-evaluator'],
  },
  {
    file: 'simulator/performance-evaluator.js',
    fault: 'throughput does not count',
    edits: [['WEIGHTS.service * gain(serviceMs(before), serviceMs(after))', '0']],
    caughtBy: ['simulator/performance-evaluator'],
  },
  {
    file: 'simulator/performance-evaluator.js',
    fault: 'what came from nothing is no change',
    edits: [['before === 0 ? 1 :', 'before === 0 ? 0 :']],
    caughtBy: ['simulator/performance-evaluator'],
  },
  {
    file: 'simulator/buffer-simulator.js',
    fault: 'a sample is simulated as if it were all',
    edits: [['if (event.weight !== undefined) throw sampled(event.weight);', '']],
    caughtBy: ['simulator/buffer-simulator'],
  },
  {
    file: 'simulator/buffer-simulator.js',
    fault: 'what waits at the end has not failed',
    edits: [['for (let left = this.#waiting.size; left > 0; left--) this.#fail();', '']],
    caughtBy: ['simulator/buffer-simulator'],
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'it is rolled back in the journal alone',
    edits: [['this.#manager.configure(former);', '']],
    caughtBy: ['optimiser/buffer-optimizer'],
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'what was rolled back is tried again at once',
    edits: [
      [
        'this.#silent.set(strategy, SILENT_PERIODS); this.#manager.configure(former);',
        'this.#manager.configure(former);',
      ],
    ],
    caughtBy: ['optimiser/buffer-optimizer'],
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'settings that others have changed are judged',
    edits: [['if (unmet.length > 0)', 'if (false)']],
    caughtBy: ['optimiser/buffer-optimizer'],
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'a period without gets is judged',
    edits: [['measured.gets + measured.failed < LEAST_GETS', 'false']],
    caughtBy: ['optimiser/buffer-optimizer'],
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'all that is found is applied at once',
    edits: [['else if (!applied)', 'else']],
    caughtBy: ['optimiser/buffer-optimizer'],
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'what is invalid is applied',
    edits: [['if (!valid)', 'if (false)']],
    caughtBy: ['optimiser/buffer-optimizer'],
  },
  {
    file: 'optimiser/buffer-optimizer.js',
    fault: 'the journal repeats itself',
    edits: [['if (this.#journal.repeats(entry))', 'if (false)']],
    caughtBy: ['optimiser/buffer-optimizer'],
  },
  {
    file: 'optimiser/live-run.js',
    fault: 'what had to be made is a hit',
    edits: [['this.#meter.served(!made,', 'this.#meter.served(true,']],
    caughtBy: ['optimiser/buffer-optimizer'],
  },
];
