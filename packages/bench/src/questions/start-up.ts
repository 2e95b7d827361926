/** How soon is there a first result, and how soon is the process gone after its last? */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StartUpChildReport } from '../children/start-up-child.js';
import { inRounds, type Contender } from '../measure/rounds.js';
import { ratiosOf } from '../measure/statistics.js';
import type { Answer, Question, Settings } from '../question.js';

const CHILD = fileURLToPath(new URL('../children/start-up-child.js', import.meta.url));
const IMPORTER = fileURLToPath(new URL('../children/import-child.js', import.meta.url));
const NS_PER_MS = 1e6;

const MILL = 'millrace';
const PISCINA = 'piscina';

interface Life {
  readonly importMs: number;
  readonly firstResultMs: number;
  /** From the only result to the end of the process, as its parent sees it. */
  readonly exitMs: number;
}

export const startUp: Question = {
  name: 'start-up',
  title: 'start-up: a process of its own that runs one small task and ends',
  asks: 'How long does it take to load the module, from the start of the threads to the first result, and from there to the end?',

  async run({ quick, rounds = quick ? 1 : 15, say }: Settings): Promise<Answer> {
    const contenders: Contender<Life>[] = [MILL, PISCINA].map((name) => ({
      name,
      run: () => liveAndDie(name),
    }));
    const measured = await inRounds(contenders, { rounds, warmUp: !quick, say });
    const first = (name: string): number[] =>
      measured.each(name, ({ firstResultMs }) => firstResultMs);
    const exit = (name: string): number[] => measured.each(name, ({ exitMs }) => exitMs);
    const imported = (name: string): number[] => measured.each(name, ({ importMs }) => importMs);
    return {
      ratios: [
        {
          what: `first result, ${MILL} / ${PISCINA}`,
          unit: '×',
          values: ratiosOf(first(MILL), first(PISCINA)),
          aim: '≤ 1.3×',
        },
        {
          what: `exit after the last result, ${MILL} / ${PISCINA}`,
          unit: '×',
          values: ratiosOf(exit(MILL), exit(PISCINA)),
        },
        {
          what: `import, ${MILL} / ${PISCINA}`,
          unit: '×',
          values: ratiosOf(imported(MILL), imported(PISCINA)),
        },
      ],
      figures: [
        { what: `first result, ${MILL}`, unit: 'ms', values: first(MILL) },
        { what: `first result, ${PISCINA}`, unit: 'ms', values: first(PISCINA) },
        {
          what: `exit after the last result, ${MILL}`,
          unit: 'ms',
          values: exit(MILL),
          aim: '≤ 50 ms',
        },
        { what: `exit after the last result, ${PISCINA}`, unit: 'ms', values: exit(PISCINA) },
        { what: `import, ${MILL}`, unit: 'ms', values: imported(MILL) },
        { what: `import, ${PISCINA}`, unit: 'ms', values: imported(PISCINA) },
      ],
      notes: [
        'first result: from the call of createMill, or of new Piscina, with both modules loaded; 2 threads',
        'exit: nothing is closed; until the parent is told of the end',
        'import: in a process of its own that has loaded nothing else; millrace loads piscina',
      ],
    };
  },
};

async function liveAndDie(name: string): Promise<Life> {
  const importing = await runChild(IMPORTER, name);
  const { output, endedAtNs } = await runChild(CHILD, name);
  const { firstResultMs, firstResultAtNs } = JSON.parse(output) as StartUpChildReport;
  return {
    importMs: Number(importing.output),
    firstResultMs,
    exitMs: Number(endedAtNs - BigInt(firstResultAtNs)) / NS_PER_MS,
  };
}

/** What it prints, and when it has ended. */
async function runChild(
  path: string,
  name: string,
): Promise<{ output: string; endedAtNs: bigint }> {
  const child = spawn(process.execPath, [path, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  let endedAtNs = 0n;
  child.once('exit', () => (endedAtNs = process.hrtime.bigint()));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`The process that is to use ${name} ended with ${code}`);
  return { output, endedAtNs };
}
