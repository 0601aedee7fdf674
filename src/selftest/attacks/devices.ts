import type { LayerAttack } from '../attack.js';
import { base256, paxEntry, rawTar, type RawEntry, type TarPart } from '../raw-tar.js';

/** S7: devices that become others. */
export function deviceAttacks(): LayerAttack[] {
  const device = (name: string, more: Partial<RawEntry>): LayerAttack => ({
    row: 'S7',
    name,
    guard: 'device-range',
    layer: rawTar({ name: 'dev', type: '3', mode: 0o666, ...more }),
    refused: 'invalid-argument',
  });
  return [
    device('major number that truncates', { major: base256(2n ** 32n + 1n, 8), minor: 3 }),
    device('minor number that truncates', { major: 1, minor: base256(2n ** 32n + 3n, 8) }),
    device('major number over 12 bits', { major: 4096, minor: 1 }),
    device('minor number over 20 bits', { type: '4', major: 8, minor: base256(1n << 20n, 8) }),
    device('negative major number', { major: base256(-1n, 8), minor: 1 }),
    { ...device('socket', { type: 's' }), guard: 'known-types' },
  ];
}

const CAPABILITY = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';

/** S8: what gives rights to whoever on the host gets hold of it. Each is applied as it is, where nobody else gets. */
export function privilegeAttacks(): LayerAttack[] {
  const attack = (
    name: string,
    modes: Readonly<Record<string, number>>,
    ...parts: readonly TarPart[]
  ): LayerAttack => ({ row: 'S8', name, guard: 'private-root', layer: rawTar(...parts), modes });
  const program = { data: '#!/bin/sh\nid\n' };
  return [
    attack('set-user-ID program', { p: 0o4755 }, { name: 'p', mode: 0o4755, ...program }),
    attack('set-group-ID program', { p: 0o2755 }, { name: 'p', mode: 0o2755, ...program }),
    attack(
      'set-user-ID program with two names',
      { p: 0o4755, q: 0o4755 },
      { name: 'p', mode: 0o4755, ...program },
      { name: 'q', type: '1', link: 'p' },
    ),
    attack('program with capabilities', { p: 0o755 }, paxEntry([['SCHILY.xattr.security.capability', CAPABILITY]]), {
      name: 'p',
      mode: 0o755,
      ...program,
    }),
    attack(
      'root that everybody may write to',
      { '': 0o777, p: 0o4755 },
      { name: './', type: '5', mode: 0o777 },
      { name: 'p', mode: 0o4755 },
    ),
    attack('disk that everybody may read', { sda: 0o666 }, { name: 'sda', type: '4', mode: 0o666, major: 8, minor: 0 }),
  ];
}
