// Puts so many MiB to a URL as fast as the server takes them, from a process of its own, and says what came back.
//
//   node upload-client.mjs URL MIB

import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';

const [url = '', mebibytes = '1'] = process.argv.slice(2);
// Half of it compresses, though not easily.
const digits = randomBytes(256 * 1024).toString('hex');
const block = Buffer.concat([Buffer.from(digits), randomBytes(512 * 1024)]);
const hash = createHash('sha256');

function* body() {
  for (let i = 0; i < Number(mebibytes); i++) {
    block.writeUInt32LE(i);
    const copy = Buffer.from(block);
    hash.update(copy);
    yield copy;
  }
}

const put = request(url, { method: 'PUT' });
const answered = new Promise((resolve, reject) => put.on('response', resolve).on('error', reject));
await pipeline(body(), put);
const response = await answered;
const text = (await response.setEncoding('utf8').toArray()).join('');
console.log(JSON.stringify({ sha256: hash.digest('hex'), answer: JSON.parse(text) }));
