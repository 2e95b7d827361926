import { checkedAnalyzerConfig } from '../../dist/analyser/analyzer-config.js';
import { describe, expect, test } from 'vitest';

describe('the settings of an analyser', () => {
  test('are an hour, a day, a day and 0.8 when nothing is said', () => {
    expect(checkedAnalyzerConfig()).toEqual({
      patternWindowSizeMs: 3_600_000,
      trendAnalysisPeriodMs: 86_400_000,
      predictionHorizonMs: 86_400_000,
      confidenceThreshold: 0.8,
      bufferSizes: { small: 4096, medium: 65_536, large: 1_048_576, huge: 4_194_304 },
    });
  });

  test('keep what is said, a threshold of 0 too', () => {
    const said = {
      patternWindowSizeMs: 1,
      trendAnalysisPeriodMs: 2,
      predictionHorizonMs: 3,
      confidenceThreshold: 0,
      bufferSizes: { small: 1, medium: 2, large: 3, huge: 4 },
    };
    expect(checkedAnalyzerConfig(said)).toEqual(said);
  });

  test.each([
    [{ patternWindowSizeMs: 0 }, 'patternWindowSizeMs'],
    [{ trendAnalysisPeriodMs: Number.NaN }, 'trendAnalysisPeriodMs'],
    [{ predictionHorizonMs: 8 * 86_400_000 }, 'predictionHorizonMs'],
    [{ patternWindowSizeMs: Infinity }, 'patternWindowSizeMs'],
    [{ confidenceThreshold: 1.1 }, 'confidenceThreshold'],
    [{ confidenceThreshold: -0.1 }, 'confidenceThreshold'],
    [{ bufferSizes: { small: 2 ** 17 } }, 'bufferSizes'],
  ])('are refused when they cannot be: %o', (config, name) => {
    expect(() => checkedAnalyzerConfig(config)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG', message: expect.stringContaining(name) }),
    );
  });
});
