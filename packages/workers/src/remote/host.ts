/** The worker's side of a remote object: makes it, answers its callers, and lets it go. */
import type { MessagePort } from 'node:worker_threads';
import { expose } from 'comlink';
import { MillraceError } from '@millrace/core';
import { currentThread } from '../ops/current-thread.js';
import { guests } from '../ops/guests.js';
import { exportOf, importModule } from '../ops/module.js';
import { installHandlers } from './handlers.js';
import { Line, OPEN, type Message } from './line.js';
import { OwnerEnd } from './owner-end.js';
import { thrownOf } from './thrown.js';

/** Which object is wanted. */
export interface Wanted {
  readonly url: string;
  readonly name: string;
}

installHandlers();

/** Lets a remote object live here, once the first message has said what it is to be made of. */
export function host(what: unknown, port: MessagePort): void {
  const end = new OwnerEnd(port);
  end.join(
    new Line(
      currentThread().buffers,
      () => guests.enter(),
      () => {},
    ),
  );
  const onOpen = ({ data }: { data: Message }): void => {
    end.removeEventListener('message', onOpen);
    void open(end, what as Wanted, data.value as unknown[]);
  };
  end.addEventListener('message', onOpen);
}

async function open(end: OwnerEnd, wanted: Wanted, args: readonly unknown[]): Promise<void> {
  try {
    const { object, own } = await make(wanted, args);
    expose(object, end);
    if (own) end.onReleased = () => dispose(object, wanted.name);
    end.postMessage({ id: OPEN, type: 'RAW' });
  } catch (error) {
    end.postMessage({ id: OPEN, type: 'HANDLER', name: 'throw', value: thrownOf(error) });
    end.close();
  }
}

/** The object, and whether it is its caller's alone. */
async function make(
  { url, name }: Wanted,
  args: readonly unknown[],
): Promise<{ object: object; own: boolean }> {
  const exported = exportOf(await importModule(url), url, name);
  const isFunction = typeof exported === 'function';
  let object: unknown = exported;
  if (isFunction) {
    try {
      // Arrow and async functions have no prototype; of what other functions return, `new` gives objects.
      object =
        exported.prototype === undefined
          ? await (exported(...args) as unknown)
          : (Reflect.construct(exported, args) as unknown);
    } catch (cause) {
      throw new MillraceError(
        'ERR_OP_FAILED',
        `Cannot make a remote object by "${name}" of ${url}: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
  }
  if ((typeof object === 'object' && object !== null) || typeof object === 'function') {
    return { object, own: isFunction };
  }
  throw new MillraceError(
    'ERR_OP_LOAD',
    `Cannot make a remote object by "${name}" of ${url} as ${isFunction ? 'it returns' : 'that is'} ${object === null ? 'null' : `of type ${typeof object}`}`,
  );
}

async function dispose(object: object, name: string): Promise<void> {
  const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = object as Partial<
    AsyncDisposable & Disposable
  >;
  try {
    if (later) await later.call(object);
    else now?.call(object);
  } catch (error) {
    process.emitWarning(
      `Disposing of remote "${name}" failed: ${String(error)}`,
      'MillraceWarning',
    );
  }
}
