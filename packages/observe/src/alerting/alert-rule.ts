/** A rule: what of a sample is judged, where its limits are, and what to say when it is beyond them. */
import type { BufferClass } from '@millrace/core';
import type { AlertSeverity, BufferAlertType } from './buffer-alert.js';
import type { BufferSample, ClassSample } from './buffer-sample.js';

/** What a rule of the user's says. */
export interface BufferRule {
  /** No two rules have the same. */
  readonly name: string;
  /** @defaultValue 'warning' */
  readonly severity?: AlertSeverity;
  /** The alert is raised when the value is `above` this, or `below`. */
  readonly above?: number;
  readonly below?: number;
  /** The alert is over when the value is back at this. @defaultValue the limit, less or plus `hysteresis` of it */
  readonly resolvesAt?: number;
  /** `true`: it is asked about each class. @defaultValue false */
  readonly perClass?: boolean;
  /** What is judged; `undefined` when the interval tells nothing, and all stays as it is. */
  value(sample: BufferSample, bufferClass: BufferClass | undefined): number | undefined;
  /** @defaultValue what was found, and the limit */
  message?(value: number, bufferClass: BufferClass | undefined): string;
  /** @defaultValue none */
  suggest?(sample: BufferSample, bufferClass: BufferClass | undefined): readonly string[];
}

/** What was found to judge. */
export interface Finding {
  readonly value: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** The class to name, of a rule that is about none: the one that has most to do with it. */
  readonly class?: BufferClass;
}

/** Where a value is wrong, and where it is well again. */
export interface Bounds {
  readonly breach: 'above' | 'below';
  readonly limit: number;
  readonly resolvesAt: number;
}

/** A rule as alerting works by it. */
export interface AlertRule extends Bounds {
  readonly name: string;
  readonly type: BufferAlertType;
  readonly perClass: boolean;
  find(sample: BufferSample, bufferClass: BufferClass | undefined): Finding | undefined;
  severity(value: number): AlertSeverity;
  message(finding: Finding, bufferClass: BufferClass | undefined): string;
  suggest(sample: BufferSample, bufferClass: BufferClass | undefined): readonly string[];
}

/** What a rule makes of the figures of one class. */
interface ClassJudgement {
  find(figures: ClassSample): Finding | undefined;
  severity(value: number): AlertSeverity;
  message(value: number, bufferClass: BufferClass): string;
  suggest(figures: ClassSample, bufferClass: BufferClass): readonly string[];
}

/** A built-in rule about each class, named after what it tells. */
export function classRule(type: BufferAlertType, bounds: Bounds, rule: ClassJudgement): AlertRule {
  return {
    name: type,
    type,
    perClass: true,
    ...bounds,
    severity: (value) => rule.severity(value),
    find: ({ classes }, of) => of && rule.find(classes[of]),
    message: ({ value }, of) => (of ? rule.message(value, of) : ''),
    suggest: ({ classes }, of) => (of ? rule.suggest(classes[of], of) : []),
  };
}
