import { dirname, join } from 'node:path';

/** The longest string of options that mount(2) takes whole: a page, ended by NUL. More it cuts off without a word. */
export const MOUNT_DATA_BYTES = 4095;

/** Lower directories that we mount at most: overlayfs takes 500, and we put one overlay on top of another. */
export const OVERLAY_LAYERS_MAX = 999;

/** Options of an overlay in the forms that its ways of mounting take. */
export interface OverlayOptions {
  /** Lower directories, nearest first. */
  readonly lower: readonly string[];
  /** The other options, as key, value, key, value, …; null for one without value. */
  readonly others: readonly (string | null)[];
  /** The directory that `data` is meant from. */
  readonly directory: string;
  /** The whole as a string with short lower directories; undefined if that is too long as well. */
  readonly data: string | undefined;
}

/** Splits where a colon has no backslash before it: overlayfs takes `\:` for one that belongs to the path. */
function splitLower(value: string): string[] {
  return value.split(/(?<!\\):/u);
}

function commonDirectory(paths: readonly string[]): string {
  const [first = '/', ...rest] = paths;
  let common = dirname(first);
  while (common !== '/' && !rest.every((path) => path.startsWith(`${common}/`))) common = dirname(common);
  return common;
}

/** Prepares overlay options, absolute lower directories, for the case that they do not fit into one page. */
export function parseOverlayOptions(data: readonly string[]): OverlayOptions {
  const isLower = (option: string) => option.startsWith('lowerdir=');
  const lower = data.filter(isLower).flatMap((option) => splitLower(option.slice('lowerdir='.length)));
  const others = data.filter((option) => !isLower(option));
  const directory = commonDirectory(lower);
  const start = join(directory, '/').length;
  const short = [`lowerdir=${lower.map((path) => path.slice(start)).join(':')}`, ...others].join(',');
  return {
    lower,
    others: others.flatMap((option) => {
      const at = option.indexOf('=');
      return at < 0 ? [option, null] : [option.slice(0, at), option.slice(at + 1)];
    }),
    directory,
    data: Buffer.byteLength(short) <= MOUNT_DATA_BYTES ? short : undefined,
  };
}
