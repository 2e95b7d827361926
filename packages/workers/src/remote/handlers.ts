/**
 * Comlink's own two transfer handlers, with what it leaves out: ports of proxies belong to a line, and
 * errors keep their code and properties. On any other connection they do what comlink's do.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { expose, finalizer, proxyMarker, transferHandlers, wrap, type Endpoint } from 'comlink';
import { CallerEnd } from './caller-end.js';
import { arrived, departing } from './line.js';
import { OwnerEnd } from './owner-end.js';
import { thrownOf } from './thrown.js';

let installed = false;

/** To be called before comlink is used, on each thread. */
export function installHandlers(): void {
  if (installed) return;
  installed = true;
  transferHandlers.set('proxy', {
    canHandle: (value): value is object =>
      ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
      Reflect.get(value, proxyMarker) === true,
    serialize(value: object) {
      const { port1, port2 } = new MessageChannel();
      const end = new OwnerEnd(port1);
      expose(value, end);
      end.onReleased = () => (value as { [finalizer]?: () => void })[finalizer]?.();
      departing.set(port2, end);
      return [port2, [port2]];
    },
    deserialize(port: MessagePort) {
      const line = arrived.get(port);
      return wrap((line ? new CallerEnd(port, line) : port) as Endpoint);
    },
  });
  const comlinks = transferHandlers.get('throw')!;
  transferHandlers.set('throw', {
    canHandle: (value): value is { value: unknown } => comlinks.canHandle(value),
    serialize: ({ value }: { value: unknown }) => [thrownOf(value), []],
    deserialize: (thrown) => comlinks.deserialize(thrown),
  });
}
