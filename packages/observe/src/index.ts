/** What the buffers of a mill do, seen and acted on: traces, analyser. */
export { checkedAnalyzerConfig, type AnalyzerConfig } from './analyser/analyzer-config.js';
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
