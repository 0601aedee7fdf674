import { DaemonError } from '../../base/errors.js';
import { overLimit } from '../../core/diff/applier.js';

/** Bounds for one name. */
export interface PathLimits {
  readonly maxPathBytes: number;
  readonly maxPathDepth: number;
}

const NAME_BYTES_MAX = 255;

/**
 * The components of a name in a layer, as latin1 strings of their raw bytes: none for the root itself. A leading `/` and
 * components `.` mean nothing.
 *
 * @throws invalid-argument: an empty name, a component `..` or one over 255 bytes. resource-exhausted: over the limits.
 */
export function splitPath(name: Buffer, limits: PathLimits): string[] {
  if (name.length === 0) throw new DaemonError('invalid-argument', 'layer: an entry has an empty name');
  if (name.length > limits.maxPathBytes) {
    throw overLimit('maxPathBytes', `layer: a name has ${name.length} bytes, over the limit of ${limits.maxPathBytes}`);
  }
  const components = splitComponents(name.toString('latin1'));
  for (const component of components) {
    if (component === '..')
      throw new DaemonError('invalid-argument', `layer: the name ${quotePath(name)} has a ".." in it`);
    if (component.length > NAME_BYTES_MAX) {
      throw new DaemonError(
        'invalid-argument',
        `layer: a part of ${quotePath(name)} is over ${NAME_BYTES_MAX} bytes long`,
      );
    }
  }
  if (components.length > limits.maxPathDepth) {
    throw overLimit('maxPathDepth', `layer: ${quotePath(name)} is over ${limits.maxPathDepth} directories deep`);
  }
  return components;
}

/** Splits at slashes, leaving out what is empty or `.`; `..` stays. */
export function splitComponents(path: string): string[] {
  return path.split('/').filter((component) => component !== '' && component !== '.');
}

/** The raw bytes of a latin1 string. */
export function rawBytes(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1');
}

/** A name for messages: quoted, cut to 200 bytes, other bytes than UTF-8 replaced. */
export function quotePath(name: Buffer | string): string {
  const bytes = typeof name === 'string' ? rawBytes(name) : name;
  return JSON.stringify(bytes.length > 200 ? `${bytes.toString('utf8', 0, 200)}…` : bytes.toString('utf8'));
}
