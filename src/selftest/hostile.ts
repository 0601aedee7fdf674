import { lstat, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../base/directory.js';
import { DaemonError, kindOf, messageOf } from '../base/errors.js';
import { DEFAULT_LIMITS, type Applier, type ApplyLimits } from '../core/diff/applier.js';
import type { DirectoryFiles } from '../core/kernel/directory-files.js';
import { checkDiffId } from '../core/rootfs/diff-id.js';
import type { AttackOutcome } from '../core/selftest/selftest.js';
import { digestOf } from '../spec/digest.js';
import type { LayerAttack } from './attack.js';
import { layerAttacks } from './attacks/all.js';
import { GUARDS } from './guards.js';
import { fingerprint, seeTree, type Seen } from './tree.js';

/** So small that an attack on them needs not be large. */
const LIMITS: ApplyLimits = {
  ...DEFAULT_LIMITS,
  maxBytes: 8 << 20,
  maxEntries: 1000,
  maxPaxBytes: 65_536 + 4096 - 512,
};
const PLAIN_TAR = 'application/vnd.oci.image.layer.v1.tar';
const FORMS = ['overlay', 'plain'] as const;
type Form = (typeof FORMS)[number];

export interface HostileParts {
  readonly applier: Applier;
  readonly files: DirectoryFiles;
  /** Absolute path of a directory that is made, and removed in the end. */
  readonly scratch: string;
}

export interface HostileOptions {
  readonly signal?: AbortSignal;
  /** Which ones; all when missing. */
  readonly choose?: (attack: LayerAttack) => boolean;
}

/** Applies hostile layers, each in both forms, beside a canary. */
export async function* runAttacks(
  { applier, files, scratch }: HostileParts,
  { signal, choose = () => true }: HostileOptions = {},
): AsyncGenerator<{ readonly outcome: AttackOutcome; readonly total: number }> {
  await makeDirectory(scratch, 0o700);
  try {
    const canary = join(scratch, 'canary');
    await makeCanary(canary);
    const before = fingerprint(files, canary);
    const turns = layerAttacks({ canary })
      .filter(choose)
      .flatMap((attack) => formsOf(attack).map((form) => ({ attack, form })));
    for (const { attack, form } of turns) {
      signal?.throwIfAborted();
      const range = new Range(applier, files, scratch);
      const complaints = await range.shoot(attack, form, signal);
      if (fingerprint(files, canary) !== before) complaints.push('something outside of the layer was touched');
      const { row, name, guard } = attack;
      yield { outcome: { row, name, guard, guardText: GUARDS[guard], form, complaints }, total: turns.length };
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What needs a layer below it is no overlay's layer by itself. */
function formsOf({ before }: LayerAttack): readonly Form[] {
  return before === undefined ? FORMS : ['plain'];
}

async function makeCanary(canary: string): Promise<void> {
  await mkdir(join(canary, 'below'), { recursive: true });
  for (const name of ['secret', 'new', 'below/file']) await writeFile(join(canary, name), 'canary', { mode: 0o640 });
}

/** Where one attack is carried out. */
class Range {
  readonly #applier: Applier;
  readonly #files: DirectoryFiles;
  readonly #layer: string;
  readonly #blob: string;
  readonly #canary: string;

  constructor(applier: Applier, files: DirectoryFiles, scratch: string) {
    this.#applier = applier;
    this.#files = files;
    this.#layer = join(scratch, 'layer');
    this.#blob = join(scratch, 'blob');
    this.#canary = join(scratch, 'canary');
  }

  /** @returns What is wrong afterwards. */
  async shoot(attack: LayerAttack, form: Form, signal: AbortSignal | undefined): Promise<string[]> {
    await mkdir(this.#layer);
    try {
      if (attack.before) await this.#apply({ ...attack, layer: attack.before, mediaType: PLAIN_TAR }, form, signal);
      else if (form === 'plain') await this.#plantLinks();
      const complaints = await this.#outcome(attack, form, signal);
      return [...complaints, ...(await this.#look(attack, form))];
    } finally {
      await rm(this.#layer, { recursive: true, force: true });
    }
  }

  /** What an earlier layer may have left: ways out, as long as somebody follows them. */
  async #plantLinks(): Promise<void> {
    await symlink(this.#canary, join(this.#layer, 'a'));
    await symlink('../canary', join(this.#layer, 'd'));
    await symlink(join(this.#canary, 'secret'), join(this.#layer, 'f'));
    await symlink('..', join(this.#layer, 'x'));
  }

  async #outcome(attack: LayerAttack, form: Form, signal: AbortSignal | undefined): Promise<string[]> {
    const { refused } = attack;
    try {
      await this.#apply(attack, form, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const kind = kindOf(error);
      if (kind === refused) return [];
      return [`it ended with ${kind} (${messageOf(error)}) instead of ${refused ?? 'being applied'}`];
    }
    return refused === undefined ? [] : [`it was applied instead of being refused (${refused})`];
  }

  async #apply(attack: LayerAttack, form: Form, signal: AbortSignal | undefined): Promise<void> {
    const { diffId, mediaType = PLAIN_TAR, limits, cancelled = false } = attack;
    const layer = typeof attack.layer === 'function' ? attack.layer() : attack.layer;
    await writeFile(this.#blob, layer);
    const stop = new AbortController();
    const { diffId: found } = await this.#applier.apply({
      ...{ blobPath: this.#blob, mediaType, directory: this.#layer, form },
      limits: { ...LIMITS, ...limits },
      signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
      onProgress: () => {
        if (cancelled) stop.abort(new DaemonError('canceled', 'the attack was seen at work'));
      },
    });
    if (diffId !== undefined) checkDiffId(digestOf(layer), found, diffId);
  }

  async #look(attack: LayerAttack, form: Form): Promise<string[]> {
    const tree = seeTree(this.#files, this.#layer);
    const reachable = attack.row === 'S8' && (await isReachable(this.#layer));
    return [
      ...wrongPaths(attack, tree),
      ...wrongModes(attack, tree),
      ...[...tree].flatMap(([path, seen]) => forgedState(path, seen, attack, form)),
      ...(reachable ? ['other users get to the layer'] : []),
    ];
  }
}

type Tree = ReadonlyMap<string, Seen>;

function wrongPaths({ leaves = [] }: LayerAttack, tree: Tree): string[] {
  return leaves.flatMap((path) => {
    const wanted = !path.startsWith('!');
    return tree.has(wanted ? path : path.slice(1)) === wanted ? [] : [`${path} is ${wanted ? 'not ' : ''}there`];
  });
}

function wrongModes({ modes = {} }: LayerAttack, tree: Tree): string[] {
  return Object.entries(modes).flatMap(([path, mode]) => {
    const found = Number(tree.get(path)?.stat.mode ?? 0n) & 0o7777;
    return found === mode ? [] : [`the mode of ${path} is ${found.toString(8)} instead of ${mode.toString(8)}`];
  });
}

/** Rows whose layers delete something. */
const DELETING: ReadonlySet<string> = new Set(['S5', 'S11']);

function forgedState(path: string, { stat, xattrs }: Seen, { row }: LayerAttack, form: Form): string[] {
  // A directory in the place of a link hides what is below it, which is overlayfs's to know.
  const own = form === 'overlay' && row !== 'S6' ? ['trusted.overlay.opaque'] : [];
  const forged = xattrs.filter((name) => !isLayers(name, stat.isFile()) && !own.includes(name));
  const isMark = stat.isCharacterDevice() && stat.rdev === 0n && !DELETING.has(row);
  return [
    ...(forged.length > 0 ? [`${path} bears ${forged.join(' ')}`] : []),
    ...(isMark ? [`${path} is a mark of deletion`] : []),
  ];
}

/** Whether a layer may bring the attribute. */
function isLayers(name: string, isFile: boolean): boolean {
  return /^user\.(?!overlay\.)/.test(name) || (isFile && name === 'security.capability');
}

/** Whether users other than root may search all directories above. */
async function isReachable(path: string): Promise<boolean> {
  for (let at = dirname(path); ; at = dirname(at)) {
    if (((await lstat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
