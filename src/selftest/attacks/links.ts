import type { LayerAttack, Target } from '../attack.js';
import { paxEntry, rawTar, type RawEntry, type TarPart } from '../raw-tar.js';

/** cap_net_raw, as the kernel keeps it (revision 2). */
const CAPABILITY = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';

/** S2: symbolic links out, and roots that are none. */
export function linkAttacks({ canary }: Target): LayerAttack[] {
  const attack = (name: string, more: Omit<LayerAttack, 'row' | 'name'>): LayerAttack => ({ row: 'S2', name, ...more });
  const through = (link: string, leaves: readonly string[]): LayerAttack =>
    attack(`file through a link to ${link.startsWith('/') ? 'an absolute path' : link}`, {
      guard: 'links-inside',
      layer: rawTar({ name: 'l', type: '2', link }, { name: 'l/secret', data: 'overwritten' }),
      leaves,
    });
  const roots = ['.', './', '/', '/.', './/'].map((name) =>
    attack(`root ${name} as a link`, {
      guard: 'root-is-a-directory',
      layer: rawTar({ name, type: '2', link: canary }, { name: 'secret', data: 'overwritten' }),
      refused: 'invalid-argument',
    }),
  );
  return [
    through(canary, [`${canary.slice(1)}/secret`]),
    through('../../../../../canary', ['canary/secret']),
    through('..', ['secret']),
    ...roots,
    attack('root as a file', {
      guard: 'root-is-a-directory',
      layer: rawTar({ name: './', data: 'x' }, { name: '.', data: 'x' }),
      refused: 'invalid-argument',
    }),
    attack('directory replaced by a link between entries', {
      guard: 'links-inside',
      layer: rawTar(
        { name: 'd', type: '5' },
        { name: 'd/a' },
        { name: 'd', type: '2', link: canary },
        { name: 'd/secret', data: 'x' },
      ),
      leaves: ['d', `${canary.slice(1)}/secret`],
    }),
    attack('link made of two links', {
      guard: 'links-inside',
      layer: rawTar(
        { name: 'x', type: '2', link: '..' },
        { name: 'y', type: '2', link: 'x/canary' },
        { name: 'y/secret', data: 'x' },
      ),
      leaves: ['canary/secret'],
    }),
    attack('links that go round', {
      guard: 'link-count',
      layer: rawTar({ name: 'x', type: '2', link: 'y' }, { name: 'y', type: '2', link: 'x' }, { name: 'x/f' }),
      refused: 'invalid-argument',
    }),
    attack('links that double at every step', {
      guard: 'link-count',
      layer: rawTar(...doubling(30), { name: 'e30/f' }),
      refused: 'invalid-argument',
    }),
    attack('file beneath a file', {
      guard: 'no-file-as-parent',
      layer: rawTar({ name: 'f' }, { name: 'f/g' }),
      refused: 'invalid-argument',
    }),
    attack('overwriting a link writes no target', {
      guard: 'replaced-not-opened',
      layer: rawTar({ name: 'l', type: '2', link: `${canary}/secret` }, { name: 'l', data: 'x' }),
      leaves: ['l'],
    }),
    attack('directory over a link', {
      guard: 'links-inside',
      layer: rawTar(
        { name: 'l', type: '2', link: canary },
        { name: 'l', type: '5', mode: 0o777 },
        { name: 'l/secret', data: 'x' },
      ),
      leaves: ['l/secret'],
    }),
  ];
}

function doubling(count: number): RawEntry[] {
  const links = Array.from({ length: count }, (_, at): RawEntry => ({
    name: `e${at + 1}`,
    type: '2',
    link: `e${at}/../e${at}`,
  }));
  return [{ name: 'e0', type: '5' }, ...links];
}

/** S3: hard links out, and through links. */
export function hardLinkAttacks({ canary }: Target): LayerAttack[] {
  const attack = (name: string, more: Omit<LayerAttack, 'row' | 'name'>): LayerAttack => ({ row: 'S3', name, ...more });
  const stolen = (link: string, ...before: RawEntry[]) =>
    rawTar(...before, { name: 'stolen', type: '1', link }, { name: 'stolen', data: 'x', mode: 0o777 });
  return [
    attack('hard link up and out', {
      guard: 'no-parent-components',
      layer: stolen('../canary/secret'),
      refused: 'invalid-argument',
    }),
    attack('hard link up from within', {
      guard: 'no-parent-components',
      layer: stolen('a/../../canary/secret', { name: 'a', type: '5' }),
      refused: 'invalid-argument',
    }),
    attack('hard link to the root', {
      guard: 'hard-link-targets',
      layer: rawTar({ name: 'r', type: '1', link: '/' }),
      refused: 'invalid-argument',
    }),
    attack('hard link to a directory', {
      guard: 'hard-link-targets',
      layer: rawTar({ name: 'd', type: '5' }, { name: 'h', type: '1', link: 'd' }),
      refused: 'invalid-argument',
    }),
    attack('hard link to itself', {
      guard: 'hard-link-targets',
      layer: rawTar({ name: 'f', data: 'x' }, { name: 'f', type: '1', link: './f' }),
      leaves: ['f'],
    }),
    attack('hard link through a link out, then written', {
      guard: 'links-inside',
      layer: rawTar(
        { name: 'l', type: '2', link: canary },
        { name: `${canary.slice(1)}/secret`, data: 'mine' },
        { name: 'stolen', type: '1', link: 'l/secret' },
        { name: 'stolen', data: 'x', mode: 0o777 },
      ),
      leaves: ['stolen', `${canary.slice(1)}/secret`],
    }),
    attack('hard link to a link out, then changed', {
      guard: 'replaced-not-opened',
      layer: rawTar(
        { name: 'l', type: '2', link: `${canary}/secret` },
        { name: 'h', type: '1', link: 'l', mode: 0o777, uid: 1 },
        { name: 'h', data: 'x', mode: 0o777 },
      ),
      leaves: ['h', 'l'],
    }),
  ];
}

/** S4: attributes for what a link leads to. */
export function linkTargetAttacks({ canary }: Target): LayerAttack[] {
  const secret = `${canary}/secret`;
  const attack = (name: string, ...parts: readonly TarPart[]): LayerAttack => ({
    row: 'S4',
    name,
    guard: 'metadata-not-followed',
    layer: rawTar(...parts),
    leaves: ['l'],
  });
  const xattrs = paxEntry([
    ['SCHILY.xattr.user.evil', '1'],
    ['SCHILY.xattr.security.capability', CAPABILITY],
  ]);
  return [
    attack('link with mode, owner and times of its own', {
      ...{ name: 'l', type: '2', link: secret, mode: 0o4777, uid: 12, gid: 13, mtime: 5 },
    }),
    {
      ...attack('link with extended attributes', xattrs, { name: 'l', type: '2', link: secret }),
      guard: 'xattr-allow-list',
    },
    attack('link to a directory, with mode and owner', { name: 'l', type: '2', link: canary, mode: 0o777, uid: 12 }),
    attack('relative link out, with mode and times', {
      ...{ name: 'l', type: '2', link: '../canary/secret', mode: 0o7777, mtime: 5 },
    }),
    {
      ...attack(
        'hard link to a link, with mode and owner',
        { name: 'l', type: '2', link: secret },
        { name: 'h', type: '1', link: 'l', mode: 0o7777, uid: 9, gid: 9, mtime: 7 },
      ),
      leaves: ['h', 'l'],
    },
    attack(
      'directory, then a link of its name',
      { name: 'l', type: '5', mode: 0o700, mtime: 1 },
      { name: 'l', type: '2', link: canary, mode: 0o777, uid: 3 },
    ),
  ];
}
