import { DaemonError } from '../base/errors.js';

/** Key/value pairs on a record; some keys are read by the garbage collector and by clients. */
export type Labels = Readonly<Record<string, string>>;

/** Bytes that key and value of one label may have together, as containerd limits them. */
export const LABEL_BYTES_MAX = 4096;

/** Label keys with a meaning of their own. */
export const LABELS = {
  gcRoot: 'containerd.io/gc.root',
  gcExpire: 'containerd.io/gc.expire',
  gcFlat: 'containerd.io/gc.flat',
  /** Beside gc.root: which command keeps the object. */
  keptBy: 'wharfd.io/kept-by',
  /** On a lease of an operation: what it is for. */
  operation: 'wharfd.io/operation',
  gcRefContent: 'containerd.io/gc.ref.content',
  gcRefSnapshot: 'containerd.io/gc.ref.snapshot',
  gcRefImage: 'containerd.io/gc.ref.image',
  uncompressed: 'containerd.io/uncompressed',
  distributionSource: 'containerd.io/distribution.source',
  /** On a namespace: others may share its blobs by their digest. */
  sharedNamespace: 'containerd.io/namespace.shareable',
  snapshotRef: 'containerd.io/snapshot.ref',
  /** On a snapshot: what ids of its files are on the host, as `container:host:size` joined by commas. */
  snapshotUids: 'containerd.io/snapshot/uidmapping',
  snapshotGids: 'containerd.io/snapshot/gidmapping',
  defaultSnapshotter: 'containerd.io/defaults/snapshotter',
  defaultRuntime: 'containerd.io/defaults/runtime',
} as const;

/** Long names of what a command worked on are cut. */
const COMMAND_LENGTH_MAX = 1024;

/**
 * Labels that keep content or a snapshot until somebody ends it.
 *
 * @param command The command that wants it kept, as a user would type it.
 */
export function rootLabels(command: string, since = new Date()): Labels {
  return { [LABELS.gcRoot]: since.toISOString(), [LABELS.keptBy]: command.slice(0, COMMAND_LENGTH_MAX) };
}

/** Field paths of `rootLabels`, for an update that leaves other labels alone. */
export const ROOT_LABEL_PATHS: readonly string[] = [`labels.${LABELS.gcRoot}`, `labels.${LABELS.keptBy}`];

/** @param what Begins the error's text. @throws invalid-argument: a key and its value are over 4096 bytes together. */
export function checkLabels(labels: Labels, what = ''): void {
  for (const [key, value] of Object.entries(labels)) {
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(value);
    if (bytes <= LABEL_BYTES_MAX) continue;
    const head = key.length > 64 ? `${key.slice(0, 64)}...` : key;
    throw new DaemonError(
      'invalid-argument',
      `${what}label key and value length (${bytes} bytes) greater than maximum size (${LABEL_BYTES_MAX} bytes), key: ${head}: invalid argument`,
    );
  }
}
