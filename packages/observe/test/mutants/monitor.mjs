// Faults of observe/monitor and observe/alerting: what is told, counted, and judged, how often, and when it is over.

const alerting = ['alerting/buffer-alerting'];
const handlers = ['alerting/alert-handlers'];
const monitor = ['monitor/buffer-monitor'];
const threads = ['monitor/threads'];
const deaths = ['monitor/deaths'];
const injected = ['monitor/injected'];

export const mutants = [
  {
    file: 'alerting/buffer-alerting.js',
    fault: 'an alert is told at every sample',
    edits: [['if (!isWorse(severity, standing.severity))', 'if (false)']],
    caughtBy: alerting,
  },
  {
    file: 'alerting/buffer-alerting.js',
    fault: 'there is no cool-down',
    edits: [['standing.quietUntilMs = sample.timestampMs + this.#cooldownMs;', '']],
    caughtBy: alerting,
  },
  {
    file: 'alerting/buffer-alerting.js',
    fault: 'there is no hysteresis',
    edits: [
      [
        "breach === 'above' ? value <= resolvesAt : value >= resolvesAt",
        "breach === 'above' ? value <= limit : value >= limit",
      ],
      ['isOver({ breach, resolvesAt }', 'isOver({ breach, limit }'],
    ],
    caughtBy: alerting,
  },
  {
    file: 'alerting/alert-handlers.js',
    fault: 'what the server refuses is tried again',
    edits: [['passing: status === 429 || status >= 500', 'passing: true']],
    caughtBy: handlers,
  },
  {
    file: 'alerting/alert-handlers.js',
    fault: 'what was delivered is still counted as on its way',
    edits: [['this.#pending--;', '']],
    caughtBy: handlers,
  },
  {
    file: 'monitor/figures.js',
    fault: 'a sample has what came since the beginning',
    edits: [['entry.base = entry.latest;', '']],
    caughtBy: monitor,
  },
  {
    file: 'monitor/buffer-monitor.js',
    fault: 'what was dropped is not counted',
    edits: [['dropped += events.missed;', '']],
    caughtBy: threads,
  },
  {
    file: 'monitor/buffer-monitor.js',
    fault: 'a manager that is idle does not say how it stands',
    edits: [['this.#tap.upkeep();', '']],
    caughtBy: injected,
  },
  {
    file: 'monitor/buffer-monitor.js',
    fault: 'gets that failed count in every interval after',
    edits: [['this.#failed.clear();', '']],
    caughtBy: injected,
  },
  {
    file: 'monitor/monitor-tap.js',
    fault: 'a monitor that is off is told all the same',
    edits: [['if (every === 0) return;', '']],
    caughtBy: monitor,
  },
  {
    file: 'monitor/monitor-tap.js',
    fault: 'figures wait for the next event when something is wrong',
    edits: [['if (isUrgent(event.eventType)) this.report();', '']],
    caughtBy: injected,
  },
  {
    file: 'monitor/event-words.js',
    fault: 'every second unit of a tag is lost',
    edits: [['| (second << 16)', '']],
    caughtBy: monitor,
  },
  {
    file: 'monitor/buffer-monitor.js',
    fault: 'threads that have died are heard for ever',
    edits: [['return this.#pools?.registry.isGone(thread, epoch) ?? false;', 'return false;']],
    caughtBy: deaths,
  },
  {
    file: 'monitor/buffer-monitor.js',
    fault: 'nobody is told what becomes of the buffers of a thread that has died',
    edits: [['for (const event of this.#openUses.leave(thread, nowMs)) this.#hand(event);', '']],
    caughtBy: deaths,
  },
  {
    file: 'monitor/open-uses.js',
    fault: 'a thread has what another had in use that had its number before',
    edits: [['?.epoch === epoch', ' !== undefined']],
    caughtBy: deaths,
  },
  {
    file: 'monitor/figures.js',
    fault: 'a thread goes on with the sums of another that had its number before',
    edits: [['if (this.epochOf(thread) !== epoch)', 'if (false)']],
    caughtBy: deaths,
  },
  {
    file: 'monitor/figures.js',
    fault: 'what a thread did in the interval of its death is lost',
    edits: [['addSums(this.#ended, entry.latest, 1);', 'addSums(this.#ended, entry.base, 1);']],
    caughtBy: deaths,
  },
  {
    file: 'monitor/monitor-tap.js',
    fault: 'figures wait until a use is told of',
    edits: [['if (this.every > 0) this.report();', '']],
    caughtBy: monitor,
  },
  {
    file: 'monitor/monitor-tap.js',
    fault: 'the return of what leaked stands for many',
    edits: [['if (leaked && this.#leaked.delete(bufferId)) return false;', '']],
    caughtBy: monitor,
  },
  {
    file: 'alerting/buffer-alerting.js',
    fault: 'nobody is told that an alert is over',
    edits: [
      [
        'return this.#resolve(rule, of, sample, finding, key, standing, standing.severity);',
        'this.#resolve(rule, of, sample, finding, key, standing, standing.severity); return undefined;',
      ],
    ],
    caughtBy: alerting,
  },
  {
    file: 'alerting/buffer-alerting.js',
    fault: 'all classes have one alert between them',
    edits: [
      [
        'const key = of === undefined ? rule.name : `${rule.name}:${of}`;',
        'const key = rule.name;',
      ],
    ],
    caughtBy: alerting,
  },
  {
    file: 'alerting/buffer-alerting.js',
    fault: 'an alert that is over stays active',
    edits: [['this.#active.delete(key);', '']],
    caughtBy: alerting,
  },
  {
    file: 'alerting/buffer-alerting.js',
    fault: 'what a handler throws is not taken',
    edits: [['this.#failed++; this.#lastError = error;', 'throw error;']],
    caughtBy: alerting,
  },
  {
    file: 'alerting/built-in-rules.js',
    fault: 'few gets tell of the hit rate',
    edits: [['if (retrieved < FEWEST_GETS)', 'if (false)']],
    caughtBy: alerting,
  },
  {
    file: 'alerting/built-in-rules.js',
    fault: 'a pool is told to be as large as all together',
    edits: [['Math.ceil(sum / Math.max(1, pools))', 'Math.ceil(sum)']],
    caughtBy: alerting,
  },
  {
    file: 'alerting/user-rule.js',
    fault: 'a rule of the user has no hysteresis',
    edits: [['{ resolvesAt = limit + away }', '{ resolvesAt = limit }']],
    caughtBy: alerting,
  },
];
