import type { Writable } from 'node:stream';

/** Writes, and waits until the stream has room for more; or is closed, and nobody reads on. */
export async function write(to: Writable, bytes: Uint8Array): Promise<void> {
  if (to.destroyed || to.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      to.off('drain', done).off('close', done);
      resolve();
    };
    to.on('drain', done).on('close', done);
  });
}
