import { readFileSync } from 'node:fs';
import { parse, stringify } from 'smol-toml';
import { en } from 'zod/locales';
import * as z from 'zod/mini';
import { DaemonError, isErrno, messageOf } from '../base/errors.js';
import { SIGN_PREDICATE } from '../core/verification/policy.js';
import { DEFAULT_LIMITS } from '../core/diff/applier.js';

z.config(en());

const absolutePath = z.string().check(z.regex(/^\/[^\0]*$/, 'must be an absolute path'));
const count = z.int().check(z.positive());
const pattern = z.string().check(z.minLength(1), z.maxLength(1024));

const verificationRule = z
  .strictObject({
    match: pattern,
    require: z.enum(['accept', 'reject', 'signature']),
    key: z.optional(absolutePath),
    issuer: z.optional(pattern),
    identity: z.optional(pattern),
    trust_root: z.optional(absolutePath),
    predicate_types: z._default(z.array(pattern).check(z.minLength(1)), [SIGN_PREDICATE]),
  })
  .check(
    z.refine(
      (rule) =>
        rule.require === 'signature' ||
        [rule.key, rule.issuer, rule.identity, rule.trust_root].every((it) => it === undefined),
      'key, issuer, identity and trust_root go with require = "signature" only',
    ),
    z.refine((rule) => {
      if (rule.require !== 'signature') return true;
      const whole = [rule.issuer, rule.identity, rule.trust_root].every((it) => it !== undefined);
      const none = rule.issuer === undefined && rule.identity === undefined;
      return rule.key === undefined ? whole : none;
    }, 'require = "signature" needs a key (with a trust_root or without), or issuer, identity and trust_root'),
  );

const workers = count.check(z.maximum(256));

const schema = z.strictObject({
  /** What lasts: metadata, content, snapshots. */
  root: z._default(absolutePath, '/var/lib/wharfd'),
  /** What a reboot ends: bundles, sockets. */
  state: z._default(absolutePath, '/run/wharfd'),
  snapshotter: z._default(z.string().check(z.minLength(1)), 'overlayfs'),
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
      /** Who makes the cgroups of containers that `ctr run` makes. */
      cgroup_driver: z._default(z.enum(['cgroupfs', 'systemd']), 'cgroupfs'),
      /** Whether clients may name programs (`binary://`) that get the output of their processes, run as root. */
      allow_logging_programs: z._default(z.boolean(), false),
      /** Shims by the names of runtimes, where containerd's rule would not find them, or our own monitor would serve. */
      shims: z.prefault(z.record(z.string(), absolutePath), {}),
    }),
    {},
  ),
  network: z.prefault(
    z.strictObject({
      /** CNI configurations; the first by file name is the default network. */
      config_dir: z._default(absolutePath, '/etc/cni/net.d'),
      /** Where CNI plugins are looked up. */
      plugin_dirs: z._default(z.array(absolutePath), ['/usr/lib/cni', '/opt/cni/bin']),
    }),
    {},
  ),
  pull: z.prefault(
    z.strictObject({
      /** Of one pull. */
      concurrent_downloads: z._default(count.check(z.maximum(64)), 4),
      /** Of all pulls together. */
      concurrent_downloads_total: z._default(count.check(z.maximum(1024)), 32),
      /** Of one large blob that comes alone, where the registry's host is faster in that way; 1 is none. */
      concurrent_ranges: z._default(count.check(z.maximum(16)), 4),
      /** Threads; the number of processors when absent. */
      unpack_workers: z.optional(workers),
    }),
    {},
  ),
  content: z.prefault(
    z.strictObject({
      /** Whether a namespace may have blobs of others by naming their digests, without bringing the bytes. */
      sharing: z._default(z.enum(['shared', 'isolated']), 'shared'),
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
  /** By which registries are reached; each that is missing is taken from HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the daemon. */
  proxy: z.prefault(
    z.strictObject({
      http: z.optional(z.string()),
      https: z.optional(z.string()),
      no: z.optional(z.string()),
    }),
    {},
  ),
  /** Bounds for one layer; ApplyLimits says of what. */
  limits: z.prefault(
    z.strictObject({
      layer_bytes: z._default(count, DEFAULT_LIMITS.maxBytes),
      layer_entries: z._default(count, DEFAULT_LIMITS.maxEntries),
      layer_ratio: z._default(count, DEFAULT_LIMITS.maxRatio),
      layer_ratio_floor: z._default(count, DEFAULT_LIMITS.ratioFloorBytes),
      layer_path_bytes: z._default(count.check(z.maximum(65_536)), DEFAULT_LIMITS.maxPathBytes),
      layer_depth: z._default(count.check(z.maximum(2000)), DEFAULT_LIMITS.maxPathDepth),
      layer_pax_bytes: z._default(count.check(z.maximum(64 * 1024 ** 2)), DEFAULT_LIMITS.maxPaxBytes),
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
  /** Snapshotters of other programs, by the name under which clients ask for them, and a content store; as containerd has it. */
  proxy_plugins: z.prefault(
    z.record(
      z.string().check(z.regex(/^[a-z][\w.-]*$/i, 'must be a name')),
      z.strictObject({
        type: z.enum(['snapshot', 'content']),
        address: absolutePath,
        platform: z.optional(z.string()),
      }),
    ),
    {},
  ),
  /** Which images may be pulled; the first rule that fits a name holds, and without rules there is no check. */
  verification: z.prefault(
    z.strictObject({
      rule: z._default(z.array(verificationRule).check(z.maxLength(1000)), []),
      /** Programs that are asked too, as containerd's image verifiers. */
      bin_dir: z.optional(absolutePath),
      max_verifiers: z._default(count.check(z.maximum(1000)), 10),
      /** Seconds. */
      per_verifier_timeout: z._default(count.check(z.maximum(600)), 10),
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
