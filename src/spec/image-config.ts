import { parseDigest, type Digest } from './digest.js';
import { openJson, readPlatform } from './document.js';
import { Fields } from './fields.js';
import { readHealthCheck, type HealthCheck } from './health-check.js';
import type { Platform } from './platform.js';

/** How the image wants its process run. Hostile input: check each value where it is used. */
export interface ImageProcess {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly stopSignal: string;
  /** `port/protocol` or `port`. */
  readonly exposedPorts: readonly string[];
  /** Paths in the container. */
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly healthCheck?: HealthCheck;
}

/** One step of an image's making; an empty one made no layer. */
export interface HistoryStep {
  readonly created: string;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  readonly emptyLayer: boolean;
}

/** The JSON that a manifest's config names (OCI image-spec config.md; Docker's is a superset). Missing texts are ''. */
export interface ImageConfig {
  readonly platform: Platform;
  readonly created: string;
  readonly author: string;
  readonly process: ImageProcess;
  /** Digests of the uncompressed layers, lowest first. */
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryStep[];
}

/** @throws invalid-argument: no image config; the message says which field. */
export function parseImageConfig(bytes: Uint8Array, what = 'image config'): ImageConfig {
  const fields = openJson(bytes, what);
  const rootfs = fields.object('rootfs') ?? fields.fail('has no rootfs, so it is not the config of a container image');
  const type = rootfs.optionalText('type') ?? 'layers';
  if (type !== 'layers') rootfs.fail(`has the type ${JSON.stringify(type.slice(0, 64))}, only layers are known`);
  return {
    platform: readPlatform(fields),
    created: fields.optionalText('created') ?? '',
    author: fields.optionalText('author') ?? '',
    process: readProcess(fields.object('config') ?? new Fields({}, what)),
    diffIds: rootfs.texts('diff_ids').map(parseDigest),
    history: fields.list('history', (item, at) => readStep(new Fields(item, `${what}: history[${at}]`))),
  };
}

function readProcess(fields: Fields): ImageProcess {
  const healthCheck = readHealthCheck(fields);
  return {
    user: fields.optionalText('User') ?? '',
    env: fields.texts('Env'),
    entrypoint: fields.texts('Entrypoint'),
    cmd: fields.texts('Cmd'),
    workingDir: fields.optionalText('WorkingDir') ?? '',
    stopSignal: fields.optionalText('StopSignal') ?? '',
    exposedPorts: fields.keys('ExposedPorts'),
    volumes: fields.keys('Volumes'),
    labels: fields.textMap('Labels') ?? {},
    ...(healthCheck && { healthCheck }),
  };
}

function readStep(fields: Fields): HistoryStep {
  return {
    created: fields.optionalText('created') ?? '',
    createdBy: fields.optionalText('created_by') ?? '',
    author: fields.optionalText('author') ?? '',
    comment: fields.optionalText('comment') ?? '',
    emptyLayer: fields.flag('empty_layer'),
  };
}
