/** Makes a rule of the user's one that alerting works by. */
import { MillraceError } from '@millrace/core';
import type { AlertRule, BufferRule } from './alert-rule.js';

/** @throws MillraceError `ERR_INVALID_ARG` when it has no limit, or two, or is over where it is raised */
export function userRule(rule: BufferRule, hysteresis: number): AlertRule {
  const { name, severity = 'warning', above, below, perClass = false } = rule;
  const limit = above ?? below;
  if (limit === undefined || Number.isNaN(limit) || (above !== undefined && below !== undefined)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot watch buffers by the rule "${name}" as it must have one of "above" and "below"`,
    );
  }
  const breach = above === undefined ? 'below' : 'above';
  const away = (breach === 'above' ? -hysteresis : hysteresis) * Math.abs(limit);
  const { resolvesAt = limit + away } = rule;
  if (breach === 'above' ? !(resolvesAt <= limit) : !(resolvesAt >= limit)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot watch buffers by the rule "${name}" as it would be over at ${resolvesAt}, which is ${breach} ${limit}`,
    );
  }
  return {
    name,
    type: 'custom',
    perClass,
    breach,
    limit,
    resolvesAt,
    find(sample, of) {
      const value = rule.value(sample, of);
      return value === undefined ? undefined : { value, metrics: {} };
    },
    severity: () => severity,
    message({ value }, of) {
      if (rule.message) return rule.message(value, of);
      return `${name} is ${value}${of === undefined ? '' : ` for class ${of}`}, ${breach} ${limit}`;
    },
    suggest: (sample, of) => rule.suggest?.(sample, of) ?? [],
  };
}
