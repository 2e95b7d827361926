/**
 * Judges samples by rules, and tells handlers what is wrong, once, and when it is over.
 *
 *            beyond the limit, and not in cool-down
 *   clear ──────────────────────────────────────────▶ raised ──worse──▶ told again, as severer
 *     ▲                                                  │
 *     └──────── back beyond the limit by hysteresis ─────┘ told as resolved; cool-down begins
 *
 * Its time is that of the samples: it reads no clock.
 */
import { BUFFER_CLASSES, MillraceError, type BufferClass } from '@millrace/core';
import type { AlertRule, BufferRule, Finding } from './alert-rule.js';
import {
  ALERT_SEVERITIES,
  type AlertSeverity,
  type BufferAlert,
  type BufferAlertHandler,
} from './buffer-alert.js';
import type { BufferSample } from './buffer-sample.js';
import { builtInRules } from './built-in-rules.js';
import {
  checkedThresholds,
  needAtLeastZero,
  needPart,
  type BufferThresholds,
} from './thresholds.js';
import { userRule } from './user-rule.js';

export interface BufferAlertingOptions {
  /** When the built-in rules raise an alert. */
  readonly thresholds?: Partial<BufferThresholds>;
  /** Rules of your own beside them. */
  readonly rules?: readonly BufferRule[];
  /** How far beyond its limit a value must be back before the alert is over, as a part of the limit. @defaultValue 0.1 */
  readonly hysteresis?: number;
  /** For so long after an alert was over, the same one is not raised again. @defaultValue 60 000 */
  readonly cooldownMs?: number;
  readonly handlers?: readonly (BufferAlertHandler | ((alert: BufferAlert) => unknown))[];
}

export interface BufferAlertingStats {
  /** Samples that were judged. */
  readonly judged: number;
  /** Alerts that were raised, those that grew worse counted again. */
  readonly raised: number;
  readonly resolved: number;
  /** Samples that would have raised an alert but for its cool-down. */
  readonly suppressed: number;
  /** Calls of handlers that went well. */
  readonly delivered: number;
  /** Calls of handlers that threw or rejected. */
  readonly failed: number;
  /** Calls of rules that threw: such a rule counts as if it had nothing to say. */
  readonly ruleErrors: number;
}

/** How it stands with one rule and one class. */
interface Standing {
  severity: AlertSeverity | undefined;
  /** The class that the alert named. */
  named: BufferClass | undefined;
  quietUntilMs: number;
}

export class BufferAlerting {
  readonly thresholds: BufferThresholds;
  readonly #rules: readonly AlertRule[];
  readonly #cooldownMs: number;
  readonly #handlers: BufferAlertHandler[];
  readonly #standings = new Map<string, Standing>();
  readonly #active = new Map<string, BufferAlert>();
  readonly #underWay = new Set<Promise<void>>();
  #judged = 0;
  #raised = 0;
  #resolved = 0;
  #suppressed = 0;
  #delivered = 0;
  #failed = 0;
  #ruleErrors = 0;
  #lastError: unknown;

  /** @throws MillraceError `ERR_INVALID_ARG` */
  constructor(options: BufferAlertingOptions = {}) {
    const { hysteresis = 0.1, cooldownMs = 60_000, handlers = [], rules = [] } = options;
    needPart('hysteresis', hysteresis);
    needAtLeastZero('cooldownMs', cooldownMs);
    this.thresholds = checkedThresholds(options.thresholds);
    this.#rules = [
      ...builtInRules(this.thresholds, hysteresis),
      ...rules.map((rule) => userRule(rule, hysteresis)),
    ];
    checkNames(this.#rules);
    this.#cooldownMs = cooldownMs;
    this.#handlers = handlers.map(handlerOf);
  }

  /** Has `handler` told of what comes from now on. @returns ends that */
  addHandler(handler: BufferAlertHandler | ((alert: BufferAlert) => unknown)): () => void {
    const added = handlerOf(handler);
    this.#handlers.push(added);
    return () => {
      const at = this.#handlers.indexOf(added);
      if (at >= 0) this.#handlers.splice(at, 1);
    };
  }

  /** The alerts that are raised, as they were last told. */
  active(): BufferAlert[] {
    return [...this.#active.values()];
  }

  /**
   * Judges an interval. Never throws.
   *
   * @returns what is told, to handlers as well
   */
  check(sample: BufferSample): BufferAlert[] {
    this.#judged++;
    const told: BufferAlert[] = [];
    for (const rule of this.#rules) {
      for (const of of rule.perClass ? BUFFER_CLASSES : [undefined]) {
        try {
          const alert = this.#judge(rule, of, sample);
          if (alert) told.push(alert);
        } catch (error) {
          this.#ruleErrors++;
          this.#lastError = error;
        }
      }
    }
    // One that is told may go, or bring another.
    const handlers = this.#handlers.slice();
    for (const alert of told) for (const handler of handlers) this.#tell(handler, alert);
    return told;
  }

  /** Resolves when every handler is done with what it was told. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  stats(): BufferAlertingStats {
    return {
      judged: this.#judged,
      raised: this.#raised,
      resolved: this.#resolved,
      suppressed: this.#suppressed,
      delivered: this.#delivered,
      failed: this.#failed,
      ruleErrors: this.#ruleErrors,
    };
  }

  /** What a handler or a rule last threw, if one did. */
  get lastError(): unknown {
    return this.#lastError;
  }

  #judge(
    rule: AlertRule,
    of: BufferClass | undefined,
    sample: BufferSample,
  ): BufferAlert | undefined {
    const finding = rule.find(sample, of);
    if (finding === undefined || Number.isNaN(finding.value)) return undefined;
    const key = of === undefined ? rule.name : `${rule.name}:${of}`;
    const standing = this.#standingOf(key);
    if (standing.severity !== undefined && isOver(rule, finding.value)) {
      return this.#resolve(rule, of, sample, finding, key, standing, standing.severity);
    }
    if (!isBeyond(rule, finding.value)) return undefined;
    const severity = rule.severity(finding.value);
    if (standing.severity === undefined && sample.timestampMs < standing.quietUntilMs) {
      this.#suppressed++;
      return undefined;
    }
    if (!isWorse(severity, standing.severity)) return undefined;
    const named = of ?? finding.class;
    const message = rule.message(finding, of);
    const suggestions = rule.suggest(sample, of);
    const alert = alertOf(rule, 'raised', severity, named, sample, finding, message, suggestions);
    standing.severity = severity;
    standing.named = named;
    this.#active.set(key, alert);
    this.#raised++;
    return alert;
  }

  #resolve(
    rule: AlertRule,
    of: BufferClass | undefined,
    sample: BufferSample,
    finding: Finding,
    key: string,
    standing: Standing,
    severity: AlertSeverity,
  ): BufferAlert {
    standing.severity = undefined;
    standing.quietUntilMs = sample.timestampMs + this.#cooldownMs;
    this.#active.delete(key);
    this.#resolved++;
    const { named } = standing;
    const where = named === undefined ? '' : ` for class ${named}`;
    const message = `"${rule.name}" is over${where}: ${finding.value}, and the limit is ${rule.limit}`;
    return alertOf(rule, 'resolved', severity, of ?? named, sample, finding, message, []);
  }

  #standingOf(key: string): Standing {
    let standing = this.#standings.get(key);
    if (!standing) {
      standing = { severity: undefined, named: undefined, quietUntilMs: -Infinity };
      this.#standings.set(key, standing);
    }
    return standing;
  }

  #tell(handler: BufferAlertHandler, alert: BufferAlert): void {
    const done = this.#handle(handler, alert).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async #handle(handler: BufferAlertHandler, alert: BufferAlert): Promise<void> {
    try {
      await handler.handleAlert(alert);
      this.#delivered++;
    } catch (error) {
      this.#failed++;
      this.#lastError = error;
    }
  }
}

function alertOf(
  { name, type, limit }: AlertRule,
  state: BufferAlert['state'],
  severity: AlertSeverity,
  named: BufferClass | undefined,
  { timestampMs }: BufferSample,
  { value, metrics }: Finding,
  message: string,
  suggestions: readonly string[],
): BufferAlert {
  return {
    type,
    rule: name,
    severity,
    state,
    message,
    class: named,
    metrics: { value, limit, ...metrics },
    timestamp: timestampMs,
    suggestions,
  };
}

function isBeyond({ breach, limit }: AlertRule, value: number): boolean {
  return breach === 'above' ? value > limit : value < limit;
}

function isOver({ breach, resolvesAt }: AlertRule, value: number): boolean {
  return breach === 'above' ? value <= resolvesAt : value >= resolvesAt;
}

function isWorse(severity: AlertSeverity, than: AlertSeverity | undefined): boolean {
  if (than === undefined) return true;
  return ALERT_SEVERITIES.indexOf(severity) > ALERT_SEVERITIES.indexOf(than);
}

function handlerOf(
  handler: BufferAlertHandler | ((alert: BufferAlert) => unknown),
): BufferAlertHandler {
  if (typeof handler !== 'function') return handler;
  return {
    async handleAlert(alert) {
      await handler(alert);
    },
  };
}

function checkNames(rules: readonly AlertRule[]): void {
  const names = rules.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice === undefined) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot watch buffers by two rules of the name "${twice}"`,
  );
}
