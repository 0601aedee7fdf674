import type { Mount } from './mounts.js';

/**
 * The same tree without a writable layer: the end of a writable overlay would write out all of its file system first, and its upper
 * directory may be in use by another.
 */
export function readonlyMounts(mounts: readonly Mount[], flags: readonly string[] = []): Mount[] {
  return mounts.map((mount) => {
    const options =
      mount.type === 'overlay' ? withoutUpper(mount.options) : mount.options.filter((option) => option !== 'rw');
    return { ...mount, options: [...options.filter((option) => option !== 'ro'), 'ro', ...flags] };
  });
}

function withoutUpper(options: readonly string[]): string[] {
  const upper = options.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length);
  if (upper === undefined) return [...options];
  return options
    .filter((option) => !option.startsWith('upperdir=') && !option.startsWith('workdir='))
    .map((option) =>
      option.startsWith('lowerdir=') ? `lowerdir=${upper}:${option.slice('lowerdir='.length)}` : option,
    );
}
