/** Runs programs as their reader would: `node examples/dist/<name>.js`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What the example says until it ends; it must end well. */
export async function outputOf(name: string): Promise<string> {
  const file = fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  return (await linesOf(child)).join('\n');
}

/** The lines that a child process says until it ends; it must end well. */
export async function linesOf(child: ChildProcess): Promise<string[]> {
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`The program ended with ${String(code)} and said: ${output}`);
  return output.trimEnd().split('\n');
}
