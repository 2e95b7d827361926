/** One FILE from its name to its outcome: opened, transferred, and the source removed when that is due. */
import { unlink } from 'node:fs/promises';
import { explain } from './explain.js';
import type { GzipOptions } from './gzip-options.js';
import type { Mills } from './mills.js';
import type { ProgressLine } from './progress.js';
import type { Outcome } from './report.js';
import { openSource, type Source } from './source.js';
import { chooseTarget, type Target } from './target.js';
import { compress, decompress, type Transferred } from './transfer.js';
import { Trouble, inWords, skipped, systemError } from './trouble.js';

export interface Job {
  readonly options: GzipOptions;
  readonly mills: Mills;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
}

/** @throws what is no fault of the file: an abort, or a surprise */
export async function gzipFile(file: string, job: Job): Promise<Outcome> {
  let source: Source | undefined;
  let target: Target | undefined;
  try {
    source = await openSource(file, job.options);
    target = await chooseTarget(source, job.options, job.signal);
    const transferred = await transfer(source, target, job);
    const { trouble, replaced } = await settle(source, target, transferred);
    return { file: source.name, target: target.name, transferred, trouble, replaced };
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    return { file: source?.name ?? file, target: target?.name, trouble: error };
  } finally {
    await source?.close();
  }
}

async function transfer(source: Source, target: Target, job: Job): Promise<Transferred> {
  const { options, progress, signal, mills } = job;
  const flow = {
    signal,
    onProgress: (state: Parameters<ProgressLine['update']>[0]) => progress.update(state),
  };
  progress.start(source.name, source.stats.isFile() ? Number(source.stats.size) : undefined);
  try {
    return options.decompress
      ? await decompress(source, target, flow)
      : await compress(source, target, options, mills, flow);
  } catch (error) {
    throw signal.aborted ? error : explain(error, source, target);
  } finally {
    progress.stop();
  }
}

/** The target is whole. The source goes, if it may and if nothing speaks for looking at it once more. */
async function settle(
  source: Source,
  target: Target,
  { trailingBytes }: Transferred,
): Promise<{ trouble?: Trouble; replaced: boolean }> {
  const warned = (what: string): { trouble: Trouble; replaced: boolean } => ({
    trouble: skipped(target.replacesSource ? `${what}; the file is kept` : what),
    replaced: false,
  });
  if (trailingBytes > 0) {
    return warned(`ignored ${trailingBytes} bytes of garbage after the compressed data`);
  }
  if (await source.changed()) {
    return warned('changed while it was read; the change may not be in the output');
  }
  if (!target.replacesSource) return { replaced: false };
  try {
    await unlink(source.name);
  } catch (error) {
    const cause = systemError(error);
    if (!cause) throw error;
    return { trouble: skipped(`cannot remove it: ${inWords(cause)}`, cause.code), replaced: false };
  }
  return { replaced: true };
}
