/** What the buffers of a mill do, seen and acted on: traces, monitor, analyser, alerting, simulator, optimiser. */
export {
  LogAlertHandler,
  WebhookAlertHandler,
  type WebhookOptions,
} from './alerting/alert-handlers.js';
export type { BufferRule } from './alerting/alert-rule.js';
export {
  ALERT_SEVERITIES,
  type AlertSeverity,
  type BufferAlert,
  type BufferAlertHandler,
  type BufferAlertType,
} from './alerting/buffer-alert.js';
export {
  BufferAlerting,
  type BufferAlertingOptions,
  type BufferAlertingStats,
} from './alerting/buffer-alerting.js';
export type { BufferSample, ClassSample } from './alerting/buffer-sample.js';
export type { BufferThresholds } from './alerting/thresholds.js';
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
export {
  EventCounters,
  LatencyHistograms,
  RecentEvents,
  type BufferCollector,
  type CounterMetrics,
  type LatencyMetrics,
} from './monitor/buffer-collector.js';
export {
  BufferMonitor,
  type BufferMonitorOptions,
  type BufferMonitorStats,
} from './monitor/buffer-monitor.js';
export type { MonitoredEvent } from './monitor/event-words.js';
export { MonitorTap, type MonitorHandle } from './monitor/monitor-tap.js';
export { AllocationStrategy } from './optimiser/allocation-strategy.js';
export { BufferOptimizer, type BufferOptimizerOptions } from './optimiser/buffer-optimizer.js';
export { BufferSizeStrategy } from './optimiser/buffer-size-strategy.js';
export { changesOf, configOf } from './optimiser/config-change.js';
export { Evidence, type EvidenceOptions, type Trial } from './optimiser/evidence.js';
export type { JournalEntry, JournalOutcome } from './optimiser/journal.js';
export type {
  ConfigChange,
  OptimizationResult,
  RiskLevel,
  ValidationResult,
} from './optimiser/optimization-result.js';
export type { OptimizationStrategy } from './optimiser/optimization-strategy.js';
export { PoolSizeStrategy } from './optimiser/pool-size-strategy.js';
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
