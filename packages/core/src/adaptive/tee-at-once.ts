/**
 * A tee in one piece: of what one chunk holds, between ends that answer at once.
 *
 *   take ──▶ read ──▶ branch ──▶ consumer ──▶ end ──▶ close
 *
 * As soon as a step fails, has to be waited for, or finds more than that, the answers so far are handed
 * to a flow, which goes through the same steps once more and on from there.
 */
import { isPromise, type Answer } from './answer.js';
import {
  BegunChunks,
  BegunReader,
  BegunWriter,
  failing,
  given,
  type Replay,
} from './begun-ends.js';
import { isCount, type ByteReader, type ByteWriter } from './byte-io.js';
import { partOf, type Chunk, type ChunkSource } from './chunk-stock.js';

/** How far a tee is. */
export class TeeProgress {
  bytesRead = 0;
  /** How often a chunk was filled. */
  chunksUsed = 0;
  /** What of that the branch has, while it is done in one piece. */
  toBranch = 0;
  /** Set when the consumer leaves in the midst of a step: it does so again when that is gone through again. */
  leave: (() => void) | undefined;
}

export interface TeeEnds {
  readonly reader: ByteReader;
  readonly branch: ByteWriter;
  readonly chunks: ChunkSource;
}

/** What a tee that could not be done in one piece goes on with. */
export interface BegunTee {
  readonly ends: TeeEnds;
  readonly consumer: ByteWriter;
}

/** The step that was the last one, and what came of it. */
type Last =
  | { readonly step: 'take'; readonly answer: Replay<Chunk> }
  | { readonly step: 'read' | 'end'; readonly answer: Replay<number> }
  | { readonly step: 'branch' | 'consumer' | 'close'; readonly answer: Replay<void> };

/**
 * Reads all, and writes it to both. The branch is closed then; the consumer is not.
 *
 * @returns how many bytes that were; what to go on with, if that was not all
 */
export function teeAtOnce(
  progress: TeeProgress,
  ends: TeeEnds,
  consumer: ByteWriter,
  chunkSize: number,
): number | BegunTee {
  const { reader, branch, chunks } = ends;
  let step: Last['step'] = 'take';
  let chunk: Answer<Chunk> | undefined;
  let count: Answer<number> | undefined;
  try {
    chunk = chunks.take(chunkSize);
    if (isPromise(chunk) || progress.leave) {
      return begun(progress, ends, consumer, undefined, 0, { step, answer: given(chunk) });
    }
    const { bytes } = chunk;
    step = 'read';
    count = reader.read(bytes);
    if (count !== 0 || progress.leave) {
      if (!isCount(count, bytes) || progress.leave) {
        return begun(progress, ends, consumer, chunk, 0, { step, answer: given(count) });
      }
      progress.bytesRead = count;
      progress.chunksUsed = 1;
      const part = partOf(chunk, count);
      step = 'branch';
      const toBranch = branch.write(part);
      if (isPromise(toBranch) || progress.leave) {
        return begun(progress, ends, consumer, chunk, count, { step, answer: given(toBranch) });
      }
      progress.toBranch = count;
      step = 'consumer';
      const toConsumer = consumer.write(part);
      if (isPromise(toConsumer) || progress.leave) {
        return begun(progress, ends, consumer, chunk, count, { step, answer: given(toConsumer) });
      }
      step = 'end';
      const more = reader.read(bytes);
      if (more !== 0 || progress.leave) {
        return begun(progress, ends, consumer, chunk, count, { step, answer: given(more) });
      }
    }
    step = 'close';
    const closed = branch.close?.();
    if (isPromise(closed) || progress.leave) {
      return begun(progress, ends, consumer, chunk, count, { step, answer: given(closed) });
    }
  } catch (error) {
    return begun(progress, ends, consumer, chunk, count, { step, answer: failing(error) });
  }
  if (count > 0) chunks.filled?.(count);
  chunk.release();
  return count;
}

/** Each step up to the last one will answer again as it did. */
function begun(
  progress: TeeProgress,
  { reader, branch, chunks }: TeeEnds,
  consumer: ByteWriter,
  chunk: Answer<Chunk> | undefined,
  count: Answer<number> | undefined,
  last: Last,
): BegunTee {
  // They will be counted again.
  progress.bytesRead = progress.chunksUsed = progress.toBranch = 0;
  const again = <T>(answer: Replay<T>): Replay<T> => {
    return () => {
      progress.leave?.();
      return answer();
    };
  };
  let take = given(chunk!);
  const reads: Replay<number>[] = [];
  const toBranch: Replay<void>[] = [];
  const toConsumer: Replay<void>[] = [];
  let closed: Replay<void> | undefined;
  switch (last.step) {
    case 'take':
      take = again(last.answer);
      break;
    case 'read':
      reads.push(again(last.answer));
      break;
    case 'branch':
      reads.push(given(count!));
      toBranch.push(again(last.answer));
      break;
    case 'consumer':
      reads.push(given(count!));
      toBranch.push(given(undefined));
      toConsumer.push(again(last.answer));
      break;
    case 'end':
      reads.push(given(count!), again(last.answer));
      toBranch.push(given(undefined));
      toConsumer.push(given(undefined));
      break;
    case 'close':
      // Of an object without bytes nobody asks for more than the first answer.
      reads.push(given(count!), given(0));
      toBranch.push(given(undefined));
      toConsumer.push(given(undefined));
      closed = again(last.answer);
      break;
  }
  return {
    ends: {
      reader: new BegunReader(reader, reads),
      branch: new BegunWriter(branch, toBranch, closed),
      chunks: new BegunChunks(chunks, take),
    },
    consumer: new BegunWriter(consumer, toConsumer),
  };
}
