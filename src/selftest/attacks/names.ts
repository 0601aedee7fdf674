import type { LayerAttack } from '../attack.js';
import { paxEntry, rawTar, type RawEntry } from '../raw-tar.js';

const TYPES: Readonly<Record<string, Partial<RawEntry>>> = {
  file: { data: 'x' },
  directory: { type: '5' },
  symlink: { type: '2', link: 'target' },
  fifo: { type: '6' },
  device: { type: '3', major: 1, minor: 3 },
  hardlink: { type: '1', link: 'base' },
};

const UPWARDS: Readonly<Record<string, string>> = {
  parent: '..',
  'beside the root': '../canary/new',
  'up from within': 'a/../../canary/new',
  'far up': `${'../'.repeat(20)}tmp/new`,
  'absolute and up': '/../../canary/new',
  'up at the end': 'a/b/..',
};

const attack = (name: string, more: Omit<LayerAttack, 'row' | 'name'>): LayerAttack => ({ row: 'S1', name, ...more });

/** S1: names that lead out, or that are none. */
export function nameAttacks(): LayerAttack[] {
  return [...upwards(), ...hiddenUpwards(), ...noNames()];
}

function upwards(): LayerAttack[] {
  return Object.entries(UPWARDS).flatMap(([what, name]) =>
    Object.entries(TYPES).map(([type, more]) =>
      attack(`${type} named ${what}`, {
        guard: 'no-parent-components',
        layer: rawTar({ name: 'base' }, { ...more, name }),
        refused: 'invalid-argument',
      }),
    ),
  );
}

/** The name of the header is harmless, and another one counts. */
function hiddenUpwards(): LayerAttack[] {
  const hidden = (name: string, layer: Buffer): LayerAttack =>
    attack(name, { guard: 'no-parent-components', layer, refused: 'invalid-argument' });
  return [
    hidden(
      '.. in a PAX path behind a harmless name',
      rawTar(paxEntry([['path', '../canary/new']]), { name: 'harmless' }),
    ),
    hidden(
      '.. in a GNU long name',
      rawTar({ name: 'l', type: 'L', data: '../canary/new\0', magic: 'ustar  \0' }, { name: 'harmless' }),
    ),
    hidden(
      '.. in a sparse name',
      rawTar(
        paxEntry([
          ['GNU.sparse.name', '../canary/new'],
          ['GNU.sparse.size', '0'],
        ]),
        { name: 'harmless' },
      ),
    ),
    hidden('.. in the ustar prefix', rawTar({ name: 'new', prefix: '../canary' })),
  ];
}

function noNames(): LayerAttack[] {
  const inName = 'links-inside';
  return [
    attack('empty name', { guard: 'no-empty-names', layer: rawTar({ name: '' }), refused: 'invalid-argument' }),
    attack('directory without a name', {
      guard: 'no-empty-names',
      layer: rawTar({ name: '', type: '5', mode: 0o777 }),
      refused: 'invalid-argument',
    }),
    attack('absolute name', { guard: inName, layer: rawTar({ name: '/etc/new', data: 'x' }), leaves: ['etc/new'] }),
    attack('doubled slashes and dots', {
      guard: inName,
      layer: rawTar({ name: './/p/.//./q', data: 'x' }),
      leaves: ['p/q'],
    }),
    attack('NUL in the name', {
      guard: 'no-nul',
      layer: rawTar(paxEntry([['path', 'a\0b']]), { name: 'a' }),
      refused: 'invalid-argument',
    }),
    attack('NUL in a link', {
      guard: 'no-nul',
      layer: rawTar(paxEntry([['linkpath', 'a\0b']]), { name: 'a', type: '2' }),
      refused: 'invalid-argument',
    }),
    attack('component of 256 bytes', {
      guard: 'component-length',
      layer: rawTar(paxEntry([['path', 'n'.repeat(256)]]), { name: 'a' }),
      refused: 'invalid-argument',
    }),
    attack('deletion with a component of 256 bytes', {
      guard: 'component-length',
      layer: rawTar(paxEntry([['path', `.wh.${'n'.repeat(252)}`]]), { name: 'a' }),
      refused: 'invalid-argument',
    }),
    attack('name of 5000 bytes', {
      guard: 'name-length',
      layer: rawTar(paxEntry([['path', 'ab/'.repeat(1700)]]), { name: 'a' }),
      limits: { maxPathDepth: 2000 },
      refused: 'resource-exhausted',
    }),
    attack('300 directories deep', {
      guard: 'depth',
      layer: rawTar(paxEntry([['path', `${'d/'.repeat(300)}f`]]), { name: 'a' }),
      refused: 'resource-exhausted',
    }),
  ];
}
