import { DaemonError } from '../../base/errors.js';

/** A mount for a container, as in the runtime spec. */
export interface MountOption {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly options: string[];
}

interface Draft {
  type: string;
  source: string;
  target: string;
  readonly options: string[];
}

const YES = new Set(['', 'true', '1']);

/** What each key does to the mount; containerd's words and docker's. False: the value does not fit. */
const KEYS: Readonly<Record<string, (draft: Draft, value: string) => boolean>> = {
  type: (draft, value) => Boolean((draft.type = value)),
  src: setSource,
  source: setSource,
  dst: setTarget,
  destination: setTarget,
  target: setTarget,
  options: (draft, value) => draft.options.push(...value.split(':').filter(Boolean)) >= 0,
  readonly: setReadOnly,
  ro: setReadOnly,
};

function setSource(draft: Draft, value: string): boolean {
  draft.source = value;
  return true;
}

function setTarget(draft: Draft, value: string): boolean {
  draft.target = value;
  return true;
}

function setReadOnly(draft: Draft, value: string): boolean {
  return YES.has(value) && draft.options.push('ro') > 0;
}

/**
 * Reads `type=bind,src=/data,dst=/srv,options=rbind:ro`, and the words that docker has for it (`source`, `target`, `readonly`).
 *
 * @throws invalid-argument: an unknown key, no destination, or a bind without source.
 */
export function parseMount(text: string): MountOption {
  const draft: Draft = { type: 'bind', source: '', target: '', options: [] };
  for (const part of text.split(',')) {
    const [key = '', ...value] = part.split('=');
    const set = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (!set?.(draft, value.join('='))) {
      throw refusal(text, `${JSON.stringify(part)} is not one of type=, src=, dst=, options=, readonly`);
    }
  }
  if (!draft.target.startsWith('/')) throw refusal(text, 'dst must be an absolute path');
  if (draft.type === 'volume') return volumeOf(draft, text);
  return draft.type === 'bind' ? bindOf(draft, text) : { ...draft, source: draft.source || draft.type };
}

function bindOf(draft: Draft, text: string): MountOption {
  if (!draft.source.startsWith('/')) throw refusal(text, 'src of a bind must be an absolute path');
  const bound = draft.options.some((option) => option === 'bind' || option === 'rbind');
  return bound ? draft : { ...draft, options: ['rbind', ...draft.options] };
}

function volumeOf(draft: Draft, text: string): MountOption {
  if (draft.source !== '' && !draft.source.includes('/')) return draft;
  throw refusal(text, 'src of a volume must be its name');
}

/**
 * Reads `-v SOURCE:TARGET[:OPTIONS]`: a directory of the host by its absolute path, or a volume by its name.
 *
 * @throws invalid-argument.
 */
export function parseVolume(text: string): MountOption {
  const [source = '', target = '', options = '', ...more] = text.split(':');
  if (source === '' || !target.startsWith('/') || more.length > 0) {
    throw new DaemonError(
      'invalid-argument',
      `-v ${JSON.stringify(text)} is not of the form SOURCE:TARGET[:OPTIONS], such as data:/var/lib/data:ro`,
    );
  }
  const draft: Draft = {
    type: source.startsWith('/') ? 'bind' : 'volume',
    source,
    target,
    options: options.split(',').filter(Boolean),
  };
  return draft.type === 'bind' ? bindOf(draft, text) : volumeOf(draft, text);
}

function refusal(text: string, why: string): DaemonError {
  return new DaemonError('invalid-argument', `--mount ${JSON.stringify(text)}: ${why}`);
}
