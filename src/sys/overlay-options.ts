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
  /** The whole as a string with short lower and work directories; undefined if that is too long as well. */
  readonly data: string | undefined;
}

type ShortOptions = Pick<OverlayOptions, 'directory'> & { readonly data: string };

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

const LOWER = 'lowerdir=';
const WORK = 'workdir=';

/** The options with lower and work directories named from `directory`. */
function namedFrom(directory: string, data: readonly string[], lower: readonly string[]): string {
  const start = join(directory, '/').length;
  const others = data
    .filter((option) => !option.startsWith(LOWER))
    .map((option) =>
      option.startsWith(join(WORK + directory, '/')) ? WORK + option.slice(WORK.length + start) : option,
    );
  return [LOWER + lower.map((path) => path.slice(start)).join(':'), ...others].join(',');
}

/** Prepares overlay options, absolute lower directories. */
export function parseOverlayOptions(data: readonly string[]): OverlayOptions {
  const lower = data
    .filter((option) => option.startsWith(LOWER))
    .flatMap((option) => splitLower(option.slice(LOWER.length)));
  const work = data.filter((option) => option.startsWith(WORK)).map((option) => option.slice(WORK.length));
  const [nearest, shared] = [lower, [...lower, ...work]].map((paths) => {
    const directory = commonDirectory(paths);
    return { directory, data: namedFrom(directory, data, lower) };
  }) as [ShortOptions, ShortOptions];
  const short = shared.data.length < nearest.data.length ? shared : nearest;
  return {
    lower,
    others: data
      .filter((option) => !option.startsWith(LOWER))
      .flatMap((option) => {
        const at = option.indexOf('=');
        return at < 0 ? [option, null] : [option.slice(0, at), option.slice(at + 1)];
      }),
    directory: short.directory,
    data: Buffer.byteLength(short.data) <= MOUNT_DATA_BYTES ? short.data : undefined,
  };
}

/**
 * The same for an overlay that is mounted often: every program that reads the table of mounts reads its options, runc more than once for each
 * container. Undefined where there is no such form: not all directories are absolute, or they share none but the root.
 */
export function shortOverlayOptions(data: readonly string[]): OverlayOptions | undefined {
  const options = parseOverlayOptions(data);
  const isPlain = options.lower.every((path) => path.startsWith('/')) && !options.directory.includes('\\');
  return isPlain && options.lower.length > 0 && options.directory !== '/' && options.data !== undefined
    ? options
    : undefined;
}
