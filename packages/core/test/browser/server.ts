/** Serves the package's own files to a browser, from the loopback, with the headers that let a page share memory. */
import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';

const packageDir = new URL('../../', import.meta.url);
/** What a browser may see: what ships, and what the tests run in it. */
const SERVED = /^\/(dist|test\/browser)\/[\w./-]+\.m?js$/;
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>millrace</title><link rel="icon" href="data:,">';

/** Without these two a page has no `SharedArrayBuffer`. */
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves an empty page at `/` and at `/shut` (the same without the headers), and modules beneath. */
export async function serve(): Promise<Site> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname !== '/shut') {
      for (const [name, value] of Object.entries(ISOLATED)) response.setHeader(name, value);
    }
    if (pathname === '/' || pathname === '/shut') {
      response.setHeader('Content-Type', 'text/html').end(PAGE);
      return;
    }
    void sendModule(pathname).then(
      (text) => response.setHeader('Content-Type', 'text/javascript').end(text),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: originOf(server), close: () => closed(server) };
}

async function sendModule(pathname: string): Promise<Buffer> {
  if (!SERVED.test(pathname)) {
    throw new Error(`Cannot serve ${pathname} as it is no module of the package`);
  }
  return readFile(new URL(`.${pathname}`, packageDir));
}

function originOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return `http://127.0.0.1:${address.port}`;
}

async function closed(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}
