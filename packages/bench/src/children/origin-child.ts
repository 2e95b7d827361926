/**
 * An origin of objects: /SIZE-WHATEVER has that many bytes.
 *
 *   node origin-child.js     ──▶ its port, on a line
 */
import { randomFillSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';

const block = randomFillSync(Buffer.alloc(2 ** 20));

function* piecesOf(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= block.length) yield block.subarray(0, left);
}

const server = createServer((request, response) => {
  const size = Number(/^\/(\d+)-/.exec(request.url ?? '')?.[1]);
  response.writeHead(200, { 'content-length': size });
  if (size <= block.length) response.end(block.subarray(0, size));
  else Readable.from(piecesOf(size), { objectMode: false }).pipe(response);
});
server.listen(0, () => console.log((server.address() as AddressInfo).port));
