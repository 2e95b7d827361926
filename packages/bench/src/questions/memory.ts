/** Does memory grow with the input? */
import { spawn } from 'node:child_process';
import { createReadStream, truncateSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { PumpChildReport } from '../children/pump-child.js';
import { inRounds, type Contender, type Rounds } from '../measure/rounds.js';
import { ratiosOf } from '../measure/statistics.js';
import { TempFolder } from '../measure/temp-folder.js';
import { sizeText } from '../measure/text.js';
import type { Answer, Question, Row, Settings } from '../question.js';

const MiB = 2 ** 20;
const PIECE_BYTES = MiB;
const CHILD = fileURLToPath(new URL('../children/pump-child.js', import.meta.url));

export const memory: Question = {
  name: 'memory',
  title: 'memory: the peak of a process that pumps a large object',
  asks: 'Does it take more memory to compress 4 GiB than to compress 1 GiB?',

  async run({ quick, rounds = quick ? 1 : 3, say }: Settings): Promise<Answer> {
    const small = (quick ? 4 : 1024) * MiB;
    const large = 4 * small;
    using folder = new TempFolder();
    const file = folder.file('sparse');
    writeFileSync(file, '');
    const fromPipe = (bytes: number): Contender<PumpChildReport> => ({
      name: pipeOf(bytes),
      run: () => pumpPipe(bytes),
    });
    const fromFile = (bytes: number): Contender<PumpChildReport> => ({
      name: fileOf(bytes),
      run: () => {
        // All holes: it takes no room on the disk.
        truncateSync(file, bytes);
        return pumpIn(file, bytes);
      },
    });
    const contenders = [fromPipe(small), fromPipe(large), fromFile(small), fromFile(large)];
    const measured = await inRounds(contenders, { rounds, say });
    return {
      ratios: [
        growth(measured, pipeOf(large), pipeOf(small)),
        growth(measured, fileOf(large), fileOf(small)),
      ],
      figures: [
        ...contenders.map(({ name }): Row => ({
          what: `peak, ${name}`,
          unit: 'MB',
          values: measured.each(name, ({ peak }) => peak / 1e6),
          aim: '< 200 MB',
        })),
        {
          what: 'peak before the first byte',
          unit: 'MB',
          values: measured.each(pipeOf(small), ({ peakAtStart }) => peakAtStart / 1e6),
        },
      ],
      notes: [
        'gzip level 1, two threads, to the null device',
        "through the pipe goes Node's own program, over and over; the file is all holes",
      ],
    };
  },
};

/** Gives a child so many bytes on its standard input: Node's own program, over and over. */
async function pumpPipe(bytes: number): Promise<PumpChildReport> {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0;) {
      const program = createReadStream(process.execPath, { highWaterMark: PIECE_BYTES });
      for await (const read of program) {
        const piece = (read as Buffer).subarray(0, left);
        left -= piece.length;
        yield piece;
        if (left === 0) break;
      }
    }
  }
  return pumpIn('stdin', bytes, Readable.from(pieces(), { objectMode: false }));
}

async function pumpIn(from: string, bytes: number, input?: Readable): Promise<PumpChildReport> {
  const child = spawn(process.execPath, [CHILD, from], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  if (input) await pipeline(input, child.stdin);
  else child.stdin.end();
  const code = await ended;
  if (code !== 0) throw new Error(`The pump of ${bytes} bytes ended with ${code}`);
  const report = JSON.parse(output) as PumpChildReport;
  if (report.bytesIn !== bytes) {
    throw new Error(`The pump read ${report.bytesIn} bytes where there were ${bytes}`);
  }
  return report;
}

function growth(measured: Rounds<PumpChildReport>, large: string, small: string): Row {
  const peak = (report: PumpChildReport): number => report.peak;
  return {
    what: `peak, ${large} / ${small}`,
    unit: '×',
    values: ratiosOf(measured.each(large, peak), measured.each(small, peak)),
    aim: '≤ 1.05×',
  };
}

function pipeOf(bytes: number): string {
  return `pipe of ${sizeText(bytes)}`;
}

function fileOf(bytes: number): string {
  return `file of ${sizeText(bytes)}`;
}
