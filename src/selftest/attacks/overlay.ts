import type { LayerAttack, Target } from '../attack.js';
import { paxEntry, rawTar } from '../raw-tar.js';

/** S5: deletions. */
export function whiteoutAttacks({ canary }: Target): LayerAttack[] {
  const attack = (name: string, more: Omit<LayerAttack, 'row' | 'name'>): LayerAttack => ({ row: 'S5', name, ...more });
  const bad = ['.wh.', '.wh..', '.wh...', '.wh./x', 'd/.wh.', 'd/.wh..', '.wh.x/y', 'd/.wh.x/y'].map((name) =>
    attack(`whiteout ${name}`, {
      guard: 'whiteout-names',
      layer: rawTar({ name: 'd', type: '5' }, { name }),
      refused: 'invalid-argument',
    }),
  );
  const through = (mark: string): LayerAttack =>
    attack(`${mark} through a link`, {
      guard: 'links-inside',
      layer: rawTar({ name: 'l', type: '2', link: canary }, { name: `l/${mark}` }),
      leaves: ['l'],
    });
  return [
    ...bad,
    through('.wh.secret'),
    through('.wh..wh..opq'),
    attack('whiteout of a link out', {
      guard: 'replaced-not-opened',
      layer: rawTar({ name: 'l', type: '2', link: canary }, { name: '.wh.l' }),
      leaves: ['l'],
    }),
    attack("AUFS's own names", {
      guard: 'aufs-names',
      layer: rawTar({ name: '.wh..wh.plnk/1.2', data: 'x' }, { name: '.wh..wh.aufs' }),
      leaves: ['!.wh..wh.plnk', '!.wh..wh.aufs'],
    }),
    attack('hard link to what the layer deletes', {
      guard: 'hard-link-targets',
      layer: rawTar({ name: '.wh.gone' }, { name: 'h', type: '1', link: 'gone' }),
      refused: 'invalid-argument',
    }),
  ];
}

const FORGED = [
  ...['opaque', 'redirect', 'metacopy', 'origin', 'impure', 'nlink', 'upper', 'whiteout'].map(
    (each) => `trusted.overlay.${each}`,
  ),
  ...['opaque', 'redirect', 'metacopy'].map((each) => `user.overlay.${each}`),
  'trusted.other',
  'security.selinux',
  'security.ima',
  'system.nfs4_acl',
];

/** S6: overlayfs's own state, and that of security modules. */
export function stateAttacks(): LayerAttack[] {
  const forged = FORGED.flatMap((name) =>
    ['5', '0'].map((type): LayerAttack => ({
      row: 'S6',
      name: `${name} on a ${type === '5' ? 'directory' : 'file'}`,
      guard: 'xattr-allow-list',
      layer: rawTar(paxEntry([[`SCHILY.xattr.${name}`, 'y']]), { name: 'carrier', type }),
      leaves: ['carrier'],
    })),
  );
  return [
    ...forged,
    {
      row: 'S6',
      name: 'character device 0:0',
      guard: 'overlay-mark',
      layer: rawTar({ name: 'dev', type: '3', mode: 0o666, major: 0, minor: 0 }),
      refused: 'invalid-argument',
    },
  ];
}
