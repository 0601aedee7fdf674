import { readFileSync } from 'node:fs';
import { parse, stringify } from 'smol-toml';
import { en } from 'zod/locales';
import * as z from 'zod/mini';
import { DaemonError, isErrno, messageOf } from '../base/errors.js';

z.config(en());

const absolutePath = z.string().check(z.regex(/^\/[^\0]*$/, 'must be an absolute path'));
const count = z.int().check(z.positive());
const workers = count.check(z.maximum(256));

const schema = z.strictObject({
  /** What lasts: metadata, content, snapshots. */
  root: z._default(absolutePath, '/var/lib/wharfd'),
  /** What a reboot ends: bundles, sockets. */
  state: z._default(absolutePath, '/run/wharfd'),
  snapshotter: z._default(z.enum(['overlayfs', 'native']), 'overlayfs'),
  reaper: z._default(z.enum(['monitor', 'daemon']), 'monitor'),
  log_level: z._default(z.enum(['debug', 'info', 'warn', 'error']), 'info'),
  grpc: z.prefault(
    z.strictObject({
      address: z._default(absolutePath, '/run/wharfd/wharfd.sock'),
      /** Group that may use the socket. */
      gid: z._default(z.int().check(z.minimum(0)), 0),
    }),
    {},
  ),
  runtime: z.prefault(
    z.strictObject({
      binary: z._default(z.string().check(z.minLength(1)), 'runc'),
      /** State of the OCI runtime; its own place below `state` when absent. */
      root: z.optional(absolutePath),
    }),
    {},
  ),
  pull: z.prefault(
    z.strictObject({
      concurrent_downloads: z._default(count.check(z.maximum(64)), 4),
      /** Threads; the number of processors when absent. */
      unpack_workers: z.optional(workers),
    }),
    {},
  ),
  registry: z.prefault(
    z.strictObject({
      /** Directories of `<host>/hosts.toml`, with colons between them. */
      config_path: z._default(
        z.string().check(z.regex(/^$|^\/[^\0]*$/, 'must be absolute paths')),
        '/etc/wharfd/certs.d',
      ),
    }),
    {},
  ),
  /** Bounds for one layer, uncompressed. */
  limits: z.prefault(
    z.strictObject({
      layer_bytes: z._default(count, 64 * 1024 ** 3),
      layer_entries: z._default(count, 5_000_000),
      layer_ratio: z._default(count, 200),
    }),
    {},
  ),
  /** Which events the journal keeps; the tighter bound counts. */
  journal: z.prefault(
    z.strictObject({
      events: z._default(count, 200_000),
      days: z._default(count.check(z.maximum(36_500)), 30),
    }),
    {},
  ),
  gc: z.prefault(
    z.strictObject({
      /** Seconds after which an idle daemon collects too. */
      interval: z._default(count.check(z.maximum(86_400)), 600),
    }),
    {},
  ),
});

/** The daemon's settings, every default filled in. */
export type Config = z.infer<typeof schema>;

/** Settings given by flags or environment; each beats the file. */
export interface ConfigOverrides {
  readonly root?: string | undefined;
  readonly state?: string | undefined;
  readonly address?: string | undefined;
  readonly logLevel?: string | undefined;
}

/** Where the configuration lies unless `--config` says otherwise; it may be missing there. */
export const DEFAULT_CONFIG_PATH = '/etc/wharfd/config.toml';

/**
 * Reads the TOML file and lays the overrides on it.
 *
 * @param path Given by the user: must exist then. Without it the default path is tried.
 * @throws not-found: `path` is not there. invalid-argument: no TOML, an unknown key, or a value of the wrong kind.
 */
export function loadConfig(path: string | undefined, overrides: ConfigOverrides = {}): Config {
  const where = path ?? DEFAULT_CONFIG_PATH;
  return validate(where, withOverrides(readToml(where, path !== undefined), overrides));
}

/** The defaults as a TOML text. */
export function defaultConfigText(): string {
  return stringify(schema.parse({}));
}

function readToml(path: string, mustExist: boolean): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') && !mustExist) return {};
    throw new DaemonError('not-found', `configuration ${path} can't be read (${messageOf(cause)}): check --config`, {
      cause,
    });
  }
  try {
    return parse(text);
  } catch (cause) {
    throw new DaemonError(
      'invalid-argument',
      `configuration ${path} is no valid TOML: ${firstLine(messageOf(cause))}`,
      {
        cause,
      },
    );
  }
}

function withOverrides(file: Record<string, unknown>, overrides: ConfigOverrides): Record<string, unknown> {
  const { root, state, address, logLevel } = overrides;
  const grpc = typeof file['grpc'] === 'object' && file['grpc'] !== null ? file['grpc'] : {};
  return {
    ...file,
    ...(root === undefined ? {} : { root }),
    ...(state === undefined ? {} : { state }),
    ...(logLevel === undefined ? {} : { log_level: logLevel }),
    grpc: { ...grpc, ...(address === undefined ? {} : { address }) },
  };
}

function validate(path: string, value: unknown): Config {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = issue?.path.map(String).join('.') ?? '';
  throw new DaemonError(
    'invalid-argument',
    `configuration ${path}: ${key === '' ? '' : `${key}: `}${issue?.message ?? 'invalid'}; "wharfd config default" shows every key`,
  );
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
