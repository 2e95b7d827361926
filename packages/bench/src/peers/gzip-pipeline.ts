/** What Node's documentation says to do: three streams, one thread. */
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

export function gzipPipeline(from: string, to: string, level: number): Promise<void> {
  return pipeline(createReadStream(from), createGzip({ level }), createWriteStream(to));
}
