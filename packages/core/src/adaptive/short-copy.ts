/**
 * Short copies: of what one slice holds, between ends that answer at once. A read, a write, and a read
 * that finds the end, without an operation's machinery. Whatever else happens is left to an operation,
 * which goes on from there.
 */
import { PrivateBuffer } from './adaptive-buffer.js';
import { isPromise, type Answer } from './answer.js';
import { BegunReader, BegunWriter, failing, given, type Replay } from './begun-ends.js';
import { isCount, type ByteReader, type ByteWriter } from './byte-io.js';
import { categoryOf } from './category.js';
import { Operation, roomFor, type Workshop } from './operation.js';

/**
 * Copies all of `src` to `dst`.
 *
 * @param size what it should have: fewer bytes than a large object
 * @returns how many bytes were copied; `undefined` when it is not to be done in this way: nothing was done then
 */
export function copyShort(
  shop: Workshop,
  dst: ByteWriter,
  src: ByteReader,
  size: number,
  signal: AbortSignal | undefined,
): Answer<number> | undefined {
  const { pools, config, memory, guard, ladder, usage } = shop;
  if (signal?.aborted || (guard && guard.pressure !== 'normal')) return undefined;
  const place = memory.take(roomFor(config, size));
  if (!place) return undefined;
  const slice = pools.tryAcquire(size === 0 ? 1 : size);
  if (!slice) {
    memory.give(place);
    return undefined;
  }
  const goOn = (to: ByteWriter, first: Replay<number>): Answer<number> => {
    const operation = new Operation(shop, size, 'pooled');
    usage.hit();
    operation.beginWith(new PrivateBuffer(place, usage, memory, slice));
    return operation.copy(to, new BegunReader(src, [first]), false, signal);
  };
  let count: Answer<number>;
  let written: Answer<void> = undefined;
  const room = place.bytes;
  try {
    count = src.read(room);
  } catch (error) {
    return goOn(dst, failing(error));
  }
  if (count !== 0) {
    if (!isCount(count, room)) return goOn(dst, given(count));
    try {
      written = dst.write(place.part(count));
    } catch (error) {
      return goOn(new BegunWriter(dst, [failing(error)]), given(count));
    }
    if (isPromise(written)) return goOn(new BegunWriter(dst, [given(written)]), given(count));
    let next: Answer<number>;
    try {
      next = src.read(room);
    } catch (error) {
      usage.moved(count);
      return added(count, goOn(dst, failing(error)));
    }
    if (next !== 0) {
      usage.moved(count);
      return added(count, goOn(dst, given(next)));
    }
  }
  slice.release();
  memory.give(place);
  usage.copied(categoryOf(config, size), count);
  if (ladder.degraded) ladder.had('pooled', size);
  return count;
}

function added(count: number, rest: Answer<number>): Answer<number> {
  return isPromise(rest) ? rest.then((bytes) => count + bytes) : count + rest;
}
