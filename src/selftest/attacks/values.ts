import type { LayerAttack } from '../attack.js';
import { base256, paxEntry, rawTar } from '../raw-tar.js';

/** S14: names and numbers that a program of strings and doubles gets wrong. */
export function valueAttacks(): LayerAttack[] {
  const raw = (...bytes: number[]) => Uint8Array.from(bytes);
  const attack = (name: string, more: Omit<LayerAttack, 'row' | 'name'>): LayerAttack => ({
    row: 'S14',
    name,
    ...more,
  });
  return [
    attack('names that differ in invalid bytes only', {
      guard: 'raw-names',
      layer: rawTar(
        { name: raw(0x61, 0xff), data: '1' },
        { name: raw(0x61, 0xfe), data: '2' },
        { name: 'a\ufffd', data: '3' },
      ),
      leaves: ['a\xff', 'a\xfe', 'a\xef\xbf\xbd'],
    }),
    attack('__proto__ and its like', {
      guard: 'raw-names',
      layer: rawTar({ name: '__proto__/constructor', data: 'x' }),
      leaves: ['__proto__/constructor'],
    }),
    attack('attributes named like fields of an object', {
      guard: 'raw-names',
      layer: rawTar(
        paxEntry([
          ['__proto__', 'x'],
          ['SCHILY.xattr.user.__proto__', 'x'],
          ['constructor', ''],
        ]),
        { name: 'a' },
      ),
      leaves: ['a'],
    }),
    attack('size over 2^53', {
      guard: 'number-range',
      layer: rawTar({ name: 'a', size: base256(2n ** 53n, 12) }),
      refused: 'invalid-argument',
    }),
    attack('time over 2^53', {
      guard: 'number-range',
      layer: rawTar({ name: 'a', mtime: base256(2n ** 60n, 12) }),
      refused: 'invalid-argument',
    }),
    attack('newline and escape codes in a name', {
      guard: 'raw-names',
      layer: rawTar({ name: 'a\n\u001b[31m', data: 'x' }),
      leaves: ['a\n\u001b[31m'],
    }),
    attack('modes that an umask would take from', {
      guard: 'exact-modes',
      layer: rawTar(
        { name: 'f', mode: 0o777, data: 'x' },
        { name: 'd', type: '5', mode: 0o777 },
        { name: 'p', type: '6', mode: 0o666 },
      ),
      modes: { f: 0o777, d: 0o777, p: 0o666 },
    }),
  ];
}
