/** What the buffers of a mill do, seen and acted on: traces, analyser. */
export { checkedAnalyzerConfig, type AnalyzerConfig } from './analyser/analyzer-config.js';
export type { BufferClass, BufferEventType, TraceEvent } from './trace/trace-event.js';
