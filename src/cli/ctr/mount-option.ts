import { DaemonError } from '../../base/errors.js';

/** A mount for a container, as in the runtime spec. */
export interface MountOption {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly options: string[];
}

const READ_ONLY = new Set(['readonly', 'ro']);

/**
 * Reads `type=bind,src=/data,dst=/srv,options=rbind:ro`, and the words that docker has for it (`source`, `target`, `readonly`).
 *
 * @throws invalid-argument: an unknown key, no destination, or a bind without source.
 */
export function parseMount(text: string): MountOption {
  let type = 'bind';
  let source = '';
  let target = '';
  const options: string[] = [];
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const [key, value] = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
    if (key === 'type') type = value;
    else if (key === 'src' || key === 'source') source = value;
    else if (key === 'dst' || key === 'destination' || key === 'target') target = value;
    else if (key === 'options') options.push(...value.split(':').filter(Boolean));
    else if (READ_ONLY.has(key) && (value === '' || value === 'true' || value === '1')) options.push('ro');
    else throw refusal(text, `${JSON.stringify(key)} is not one of type, src, dst, options, readonly`);
  }
  if (!target.startsWith('/')) throw refusal(text, 'dst must be an absolute path');
  if (type === 'bind' && !source.startsWith('/')) throw refusal(text, 'src of a bind must be an absolute path');
  if (type === 'bind' && !options.some((option) => option === 'bind' || option === 'rbind')) options.unshift('rbind');
  return { type, source: source === '' ? type : source, target, options };
}

function refusal(text: string, why: string): DaemonError {
  return new DaemonError('invalid-argument', `--mount ${JSON.stringify(text)}: ${why}`);
}
