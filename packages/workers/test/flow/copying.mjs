/** A function that copies in a thread of the mill. Workers import this file as it is; its types stand beside it. */
import { readerOf, writerOf } from '@millrace/workers';

export async function copyFile(from, to) {
  const [reader, writer] = [readerOf(from), writerOf(to)];
  const room = new Uint8Array(1000);
  for (;;) {
    const count = await reader.read(room);
    if (count === 0) break;
    await writer.write(room.subarray(0, count));
  }
  await writer.close();
}
