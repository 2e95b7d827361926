/** Handlers: the log, and the webhook against a real server that does what it is told. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  BufferAlerting,
  LogAlertHandler,
  WebhookAlertHandler,
  type BufferAlert,
} from '@millrace/observe';
import { expect, onTestFinished, test } from 'vitest';
import { sampleAt } from './samples.ts';

const alert: BufferAlert = {
  type: 'exhaustion',
  rule: 'exhaustion',
  severity: 'critical',
  state: 'raised',
  message: 'There was no memory for 1 gets of class small',
  class: 'small',
  metrics: { value: 1, limit: 0 },
  timestamp: 1,
  suggestions: ['Raise "memory" of the pools by 4096 bytes or more'],
};

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`;
}

test('the log has a line for an alert, and one for each suggestion', () => {
  const lines: string[] = [];
  const log = new LogAlertHandler((line) => void lines.push(line));
  log.handleAlert(alert);
  log.handleAlert({ ...alert, state: 'resolved', message: 'over', suggestions: [] });
  expect(lines).toEqual([
    '[critical] There was no memory for 1 gets of class small',
    '  → Raise "memory" of the pools by 4096 bytes or more',
    '[resolved] over',
  ]);
});

test('the webhook posts the alert as JSON, and tries again when the server fails', async () => {
  const bodies: string[] = [];
  const url = await serve((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += String(piece)));
    request.on('end', () => {
      expect(request.headers).toMatchObject({ 'content-type': 'application/json', 'x-key': 'k' });
      bodies.push(body);
      response.statusCode = bodies.length === 1 ? 503 : 204;
      response.end();
    });
  });
  await new WebhookAlertHandler(url, { retryDelayMs: 1, headers: { 'x-key': 'k' } }).handleAlert(
    alert,
  );
  expect(bodies.map((body) => JSON.parse(body) as unknown)).toEqual([alert, alert]);
});

test('the webhook gives up after its retries', async () => {
  let calls = 0;
  const url = await serve((_, response) => {
    calls++;
    response.writeHead(500).end();
  });
  const webhook = new WebhookAlertHandler(url, { retryDelayMs: 1, retries: 2 });
  await expect(webhook.handleAlert(alert)).rejects.toMatchObject({
    code: 'ERR_WRITE',
    message: expect.stringContaining('the answer was 500, tried 3 times') as string,
  });
  expect(calls).toBe(3);
});

test('the webhook does not try again what the server refuses', async () => {
  let calls = 0;
  const url = await serve((_, response) => {
    calls++;
    response.writeHead(404).end();
  });
  await expect(new WebhookAlertHandler(url).handleAlert(alert)).rejects.toMatchObject({
    code: 'ERR_WRITE',
  });
  expect(calls).toBe(1);
});

test('the webhook waits no longer than its timeout, and holds no more than it may', async () => {
  const url = await serve(() => {
    // It never answers.
  });
  const webhook = new WebhookAlertHandler(url, { timeoutMs: 50, retries: 0, maxPending: 1 });
  const first = webhook.handleAlert(alert);
  await expect(webhook.handleAlert(alert)).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' });
  await expect(first).rejects.toMatchObject({
    code: 'ERR_WRITE',
    cause: expect.objectContaining({ name: 'TimeoutError' }) as Error,
  });
  // There is room again.
  await expect(webhook.handleAlert(alert)).rejects.toMatchObject({ code: 'ERR_WRITE' });
});

test('a server that never answers keeps neither the judging nor other handlers waiting', async () => {
  const asked = { times: 0 };
  const url = await serve(() => void asked.times++);
  const told: string[] = [];
  const alerting = new BufferAlerting({
    handlers: [
      new WebhookAlertHandler(url, { timeoutMs: 100, retries: 1, retryDelayMs: 1, maxPending: 1 }),
      ({ type, state }) => void told.push(`${type} ${state}`),
    ],
  });
  const exhausted = sampleAt(1, { small: { failed: 1 } });
  expect(alerting.check(exhausted)).toHaveLength(1);
  expect(alerting.check(sampleAt(2))).toHaveLength(1);
  expect(told).toEqual(['exhaustion raised', 'exhaustion resolved']);
  // One gave up after two tries, and there was no room for the other.
  await alerting.settled();
  expect(asked.times).toBe(2);
  expect(alerting.stats()).toMatchObject({ delivered: 2, failed: 2 });
});

test('the webhook posts what alerting tells, and that it is over', async () => {
  const bodies: BufferAlert[] = [];
  const url = await serve((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += String(piece)));
    request.on('end', () => {
      bodies.push(JSON.parse(body) as BufferAlert);
      response.writeHead(200).end();
    });
  });
  const alerting = new BufferAlerting({ handlers: [new WebhookAlertHandler(url)] });
  alerting.check(sampleAt(1, { small: { failed: 1 } }));
  await alerting.settled();
  alerting.check(sampleAt(2));
  await alerting.settled();
  expect(bodies.map(({ type, class: of, state }) => [type, of, state])).toEqual([
    ['exhaustion', 'small', 'raised'],
    ['exhaustion', 'small', 'resolved'],
  ]);
  expect(bodies[0]!.suggestions).toHaveLength(1);
});

test.each(['ftp://somewhere', 'nowhere'])('%s is no address to post to', (url) => {
  expect(() => new WebhookAlertHandler(url)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
  );
});
