/**
 * An event as words of a ring.
 *
 *   0   bufferId, size, timestamp, durationMs: four doubles
 *   8   HEAD     type │ class << 4 │ success << 8
 *   9   WEIGHT   how many events it stands for
 *   10  EPOCH    of the thread: how often its number had been given out
 *   11  LENGTH   units of TEXT
 *   12  TEXT     two UTF-16 units a word: the tag, or what went wrong; the first 32 units of it
 */
import {
  BUFFER_CLASSES,
  BUFFER_EVENT_TYPES,
  MillraceError,
  type BufferEvent,
} from '@millrace/core';

const DOUBLES = 4;
const HEAD = 8;
const WEIGHT = 9;
const EPOCH = 10;
const LENGTH = 11;
const TEXT = 12;
const MOST_TEXT = 32;
const SUCCESS = 1 << 8;

// Looked up for each event: by name, not by search.
const TYPE_NUMBERS = numbered(BUFFER_EVENT_TYPES);
const CLASS_NUMBERS = numbered(BUFFER_CLASSES);

/** Even, as views of doubles are of whole ones. */
export const EVENT_WORDS = TEXT + MOST_TEXT / 2;

/** An event, and what a monitor knows of it. */
export interface MonitoredEvent extends BufferEvent {
  /** Which thread it is of; 0: the monitor's own. */
  readonly thread: number;
  /** How many events of its kind it stands for: `sampleEvery`, or 1 for those that are always told. */
  readonly weight: number;
}

/** Words for one event, written and read in place. */
export class EventWords {
  readonly words = new Int32Array(EVENT_WORDS);
  readonly #doubles = new Float64Array(this.words.buffer, 0, DOUBLES);

  /** Of the thread whose event it is. */
  get epoch(): number {
    return this.words[EPOCH]!;
  }

  set epoch(epoch: number) {
    this.words[EPOCH] = epoch;
  }

  /** @returns how many words it takes */
  encode(event: BufferEvent, weight: number): number {
    const { words } = this;
    const doubles = this.#doubles;
    doubles[0] = event.bufferId;
    doubles[1] = event.size;
    doubles[2] = event.timestamp;
    doubles[3] = event.durationMs;
    const type = TYPE_NUMBERS[event.eventType];
    const of = CLASS_NUMBERS[event.class];
    words[HEAD] = type | (of << 4) | (event.success ? SUCCESS : 0);
    words[WEIGHT] = weight;
    return this.#encodeText(textOf(event));
  }

  decode(thread: number): MonitoredEvent {
    const { words } = this;
    const [bufferId, size, timestamp, durationMs] = this.#doubles;
    const head = words[HEAD]!;
    const success = (head & SUCCESS) !== 0;
    const text = this.#decodeText();
    return {
      eventType: BUFFER_EVENT_TYPES[head & 15]!,
      bufferId: bufferId!,
      size: size!,
      class: BUFFER_CLASSES[(head >> 4) & 15]!,
      timestamp: timestamp!,
      durationMs: durationMs!,
      success,
      ...(!success && { error: text ?? '' }),
      ...(success && text !== undefined && { metadata: new Map([['tag', text]]) }),
      thread,
      weight: words[WEIGHT]!,
    };
  }

  #encodeText(text: string | undefined): number {
    const { words } = this;
    if (text === undefined) {
      words[LENGTH] = -1;
      return TEXT;
    }
    const length = Math.min(text.length, MOST_TEXT);
    words[LENGTH] = length;
    for (let at = 0; at < length; at += 2) {
      const second = at + 1 < length ? text.charCodeAt(at + 1) : 0;
      words[TEXT + at / 2] = text.charCodeAt(at) | (second << 16);
    }
    return TEXT + Math.ceil(length / 2);
  }

  #decodeText(): string | undefined {
    const { words } = this;
    const length = words[LENGTH]!;
    if (length < 0) return undefined;
    let text = '';
    for (let at = 0; at < length; at++) {
      const pair = words[TEXT + (at >> 1)]!;
      text += String.fromCharCode((at & 1) === 0 ? pair & 0xffff : pair >>> 16);
    }
    return text;
  }
}

function numbered<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, at) => [name, at])) as Record<Name, number>;
}

/** The tag; of what failed, the code of the error, or its name. */
function textOf({ success, error, metadata }: BufferEvent): string | undefined {
  if (success) {
    const tag = metadata?.get('tag');
    return typeof tag === 'string' ? tag : undefined;
  }
  if (error instanceof MillraceError) return error.code;
  return error instanceof Error ? error.name : String(error);
}
