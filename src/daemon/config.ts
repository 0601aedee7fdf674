import { readFileSync } from 'node:fs';
import { parse, stringify } from 'smol-toml';
import { z } from 'zod';
import { DaemonError, isErrno, messageOf } from '../base/errors.js';

const absolutePath = z.string().regex(/^\/[^\0]*$/, 'must be an absolute path');
const count = z.int().positive();

const schema = z.strictObject({
  root: absolutePath.default('/var/lib/wharfd').describe('what lasts: metadata, content, snapshots'),
  state: absolutePath.default('/run/wharfd').describe('what a reboot ends: bundles, sockets'),
  snapshotter: z.enum(['overlayfs', 'native']).default('overlayfs'),
  reaper: z.enum(['monitor', 'daemon']).default('monitor'),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  grpc: z
    .strictObject({
      address: absolutePath.default('/run/wharfd/wharfd.sock'),
      gid: z.int().min(0).default(0).describe('group that may use the socket'),
    })
    .prefault({}),
  runtime: z
    .strictObject({
      binary: z.string().min(1).default('runc'),
      root: absolutePath.optional().describe('state of the OCI runtime; its own default when absent'),
    })
    .prefault({}),
  pull: z
    .strictObject({
      concurrent_downloads: count.max(64).default(4),
      unpack_workers: count.max(256).optional().describe('threads; the number of processors when absent'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      layer_bytes: count.default(64 * 1024 ** 3),
      layer_entries: count.default(5_000_000),
      layer_ratio: count.default(200),
    })
    .prefault({})
    .describe('bounds for one layer, uncompressed'),
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
