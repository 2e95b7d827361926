import type { BufferEvent } from '@millrace/core';
import { traceEventOf } from '@millrace/observe';
import { describe, expect, test } from 'vitest';

const event: BufferEvent = {
  eventType: 'retrieved',
  bufferId: 7,
  size: 1000,
  class: 'small',
  timestamp: 123,
  durationMs: 0.5,
  success: true,
};

describe('a trace event', () => {
  test('keeps of a buffer event when, what, which buffer, its class and its size', () => {
    expect(traceEventOf(event)).toEqual({
      timestampMs: 123,
      type: 'retrieved',
      id: 7,
      class: 'small',
      size: 1000,
      durationMs: 0.5,
    });
  });

  test('keeps the tag, if it is one', () => {
    expect(traceEventOf({ ...event, metadata: new Map([['tag', 'up']]) }).tag).toBe('up');
    expect(traceEventOf({ ...event, metadata: new Map([['tag', 5]]) })).not.toHaveProperty('tag');
  });

  test('says of what did not succeed that it failed', () => {
    expect(traceEventOf({ ...event, success: false, error: new Error('no') }).failed).toBe(true);
    expect(traceEventOf(event)).not.toHaveProperty('failed');
  });
});
