/** What the buffers of a mill do, seen and acted on: traces, analyser, simulator. */
export type { AnalyzerConfig, AnalyzerOptions } from './analyser/analyzer-config.js';
export {
  BufferAnalyzer,
  type BufferAnalysis,
  type BufferTrends,
} from './analyser/buffer-analyzer.js';
export type { BufferPattern } from './analyser/pattern.js';
export type { BufferDemand, BufferPredictions, HourPrediction } from './analyser/predictions.js';
export { trendOf, type TrendDirection } from './analyser/trend-test.js';
export type { TrendDirections } from './analyser/trend-window.js';
export type { BufferRun } from './simulator/buffer-run.js';
export {
  BufferSimulator,
  type BufferSimulatorOptions,
  type ReplayOptions,
  type SimulatedRun,
} from './simulator/buffer-simulator.js';
export { PerformanceEvaluator, type PerformanceGain } from './simulator/performance-evaluator.js';
export { DEFAULT_COSTS, costsOf, type ServeCosts } from './simulator/serve-costs.js';
export { readTrace } from './trace/read-trace.js';
export {
  burstyTrace,
  diurnalTrace,
  steadyTrace,
  type BurstyLoad,
  type DiurnalLoad,
  type SizeShare,
  type SyntheticLoad,
} from './trace/synthetic.js';
export {
  traceEventOf,
  type BufferClass,
  type BufferEventType,
  type TraceEvent,
} from './trace/trace-event.js';
export {
  TraceRecorder,
  type TraceRecorderMetrics,
  type TraceRecorderOptions,
} from './trace/trace-recorder.js';
