import { DaemonError, messageOf } from '../../base/errors.js';
import type { Out } from './out.js';
import { Stop } from './stop.js';

/** The one positional that the usage says is there. */
export function only(args: readonly string[]): string {
  const [first] = args;
  if (first === undefined) throw new DaemonError('invalid-argument', 'an argument is missing');
  return first;
}

/**
 * Does `work` for each of `items`; an error is told and the others go on, unless the whole command is to stop.
 *
 * @returns 0, or 1 if there was an error.
 * @throws Stop.
 */
export async function forEach(
  items: readonly string[],
  out: Out,
  work: (item: string) => Promise<void>,
): Promise<number> {
  let code = 0;
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      if (error instanceof Stop) throw error;
      out.note(messageOf(error));
      code = 1;
    }
  }
  return code;
}

/** The bytes of a readable stream. */
export async function* bytesOf(stream: AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
}
