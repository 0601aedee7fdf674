import { DaemonError } from '../../base/errors.js';

/** As docker and podman have them. */
export const DETACH_KEYS = 'ctrl-p,ctrl-q';

const CTRL_BITS = 0x1f;

/**
 * Reads a sequence of keys such as `ctrl-p,ctrl-q` or `ctrl-],x`; empty text for none.
 *
 * @returns The bytes that a terminal sends for them.
 * @throws invalid-argument.
 */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === '') return new Uint8Array();
  return Uint8Array.from(text.split(','), (key) => {
    const letter = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (letter !== undefined) return letter.toUpperCase().charCodeAt(0) & CTRL_BITS;
    if (/^[\x21-\x7e]$/.test(key)) return key.charCodeAt(0);
    throw new DaemonError(
      'invalid-argument',
      `key ${JSON.stringify(key)} is none: give single characters or ctrl-<letter>, with commas between them`,
    );
  });
}

/**
 * Passes bytes on until the keys come one after the other; then calls `detach` and ends. Keys that could be the beginning of the sequence
 * are held back until the next one.
 */
export async function* untilDetached(
  source: AsyncIterable<Uint8Array>,
  keys: Uint8Array,
  detach: () => void,
): AsyncGenerator<Uint8Array, void> {
  let matched = 0;
  for await (const bytes of source) {
    const passed: number[] = [];
    for (const byte of bytes) {
      if (matched > 0 && byte !== keys[matched]) {
        passed.push(...keys.subarray(0, matched));
        matched = 0;
      }
      if (byte === keys[matched]) matched += 1;
      else passed.push(byte);
      if (keys.length > 0 && matched === keys.length) {
        detach();
        return;
      }
    }
    if (passed.length > 0) yield Uint8Array.from(passed);
  }
  if (matched > 0) yield keys.subarray(0, matched);
}
