/** Handlers that are there: one that writes a line, and one that posts to a web address. */
import { setTimeout as pause } from 'node:timers/promises';
import { MillraceError } from '@millrace/core';
import type { BufferAlert, BufferAlertHandler } from './buffer-alert.js';

/** Writes a line for each alert, and one for each of its suggestions. */
export class LogAlertHandler implements BufferAlertHandler {
  readonly #write: (line: string) => void;

  /** @param write @defaultValue `console.error` */
  constructor(write: (line: string) => void = (line) => console.error(line)) {
    this.#write = write;
  }

  handleAlert({ severity, state, message, suggestions }: BufferAlert): void {
    this.#write(`[${state === 'resolved' ? 'resolved' : severity}] ${message}`);
    for (const suggestion of suggestions) this.#write(`  → ${suggestion}`);
  }
}

export interface WebhookOptions {
  /** How long one try may take. @defaultValue 5000 */
  readonly timeoutMs?: number;
  /** How often it is tried again: when there is no answer, or one of 429 or 500 and above. @defaultValue 2 */
  readonly retries?: number;
  /** How long it waits before it tries again; twice as long before each next try. @defaultValue 500 */
  readonly retryDelayMs?: number;
  /** The most alerts that are on their way at once; what comes then is refused. @defaultValue 16 */
  readonly maxPending?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Posts each alert as JSON. */
export class WebhookAlertHandler implements BufferAlertHandler {
  readonly #url: URL;
  readonly #options: Required<WebhookOptions>;
  #pending = 0;

  /** @throws MillraceError `ERR_INVALID_ARG` when `url` is no address of http or https, or a number is none */
  constructor(url: string | URL, options: WebhookOptions = {}) {
    this.#url = checkedUrl(url);
    const { timeoutMs = 5000, retries = 2, retryDelayMs = 500 } = options;
    const { maxPending = 16, headers = {} } = options;
    needNumber('timeoutMs', timeoutMs, timeoutMs > 0);
    needNumber('retries', retries, Number.isSafeInteger(retries) && retries >= 0);
    needNumber('retryDelayMs', retryDelayMs, retryDelayMs >= 0);
    needNumber('maxPending', maxPending, maxPending >= 1);
    this.#options = { timeoutMs, retries, retryDelayMs, maxPending, headers };
  }

  /**
   * Rejects when it could not be delivered.
   *
   * @throws MillraceError `ERR_QUEUE_FULL` when `maxPending` are on their way; `ERR_WRITE` when no try was answered with 2xx
   */
  async handleAlert(alert: BufferAlert): Promise<void> {
    const { maxPending } = this.#options;
    if (this.#pending >= maxPending) {
      throw new MillraceError(
        'ERR_QUEUE_FULL',
        `Cannot post an alert to ${this.#url.host} as ${maxPending} are on their way`,
      );
    }
    this.#pending++;
    try {
      await this.#deliver(JSON.stringify(alert));
    } finally {
      this.#pending--;
    }
  }

  async #deliver(body: string): Promise<void> {
    const { retries, retryDelayMs } = this.#options;
    for (let tried = 1; ; tried++) {
      const failure = await this.#post(body);
      if (failure === undefined) return;
      if (tried > retries || !failure.passing) {
        throw new MillraceError(
          'ERR_WRITE',
          `Cannot post an alert to ${this.#url.host}: ${failure.reason}, tried ${tried} times`,
          { cause: failure.cause },
        );
      }
      await pause(retryDelayMs * 2 ** (tried - 1));
    }
  }

  /** @returns what was wrong, and whether that may pass */
  async #post(body: string): Promise<Failure | undefined> {
    const { timeoutMs, headers } = this.#options;
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      if (response.ok) return undefined;
      const { status } = response;
      return { reason: `the answer was ${status}`, passing: status === 429 || status >= 500 };
    } catch (cause) {
      return { reason: 'there was no answer', passing: true, cause };
    }
  }
}

interface Failure {
  readonly reason: string;
  readonly passing: boolean;
  readonly cause?: unknown;
}

function checkedUrl(url: string | URL): URL {
  const checked = URL.canParse(String(url)) ? new URL(url) : undefined;
  if (checked?.protocol === 'http:' || checked?.protocol === 'https:') return checked;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot post alerts to ${String(url)} as that is no address of http or https`,
  );
}

function needNumber(name: string, value: number, holds: boolean): void {
  if (holds) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot post alerts with "${name}" of ${String(value)} as that is out of range`,
  );
}
