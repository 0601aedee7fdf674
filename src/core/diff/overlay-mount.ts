import type { Mount } from '../kernel/mounts.js';

/** The value of an option such as `lowerdir`; undefined without it. */
export function overlayOption(options: readonly string[], key: string): string | undefined {
  return options.find((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
}

/** Whether it shows a directory as it is. */
export function isBind({ type, options }: Mount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

/** Directories whose stack a read-only mount shows, nearest first; undefined where it is something else. */
export function layersShown(mounts: readonly Mount[]): readonly string[] | undefined {
  const [only, ...more] = mounts;
  if (only === undefined || more.length > 0 || only.target !== undefined) return undefined;
  if (isBind(only)) return [only.source];
  if (only.type !== 'overlay' || overlayOption(only.options, 'upperdir') !== undefined) return undefined;
  return overlayOption(only.options, 'lowerdir')?.split(':');
}

/** An overlay's upper directory and the layers below it; undefined for any other mounts, and where overlayfs keeps its marks elsewhere. */
export function upperShown(
  mounts: readonly Mount[],
): { readonly upper: string; readonly lower: readonly string[] } | undefined {
  const [only, ...more] = mounts;
  if (only?.type !== 'overlay' || more.length > 0 || only.target !== undefined) return undefined;
  const upper = overlayOption(only.options, 'upperdir');
  const lower = overlayOption(only.options, 'lowerdir')?.split(':');
  if (upper === undefined || lower === undefined || only.options.includes('userxattr')) return undefined;
  return { upper, lower };
}
