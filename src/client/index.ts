/** The client library: a session with a daemon, its services one by one, and what the command-line programs do with them. */
export { copyFrom, copyInto, type CopiedEntry, type CopyStart } from './copy.js';
export { DaemonError, isKind, type ErrorKind } from '../base/errors.js';
export type { CallOptions, Incoming, MessageName, Outgoing, ServiceClient, ServiceName } from '../rpc/handlers.js';
export { fromInteger, toBigInt, toSafeNumber } from '../rpc/int64.js';
export { isA, typeNameOf, type Messages, type PlainFields, type WireAny } from '../rpc/messages.js';
export { dateOfTimestamp, nsOfTimestamp, timestampOfDate, timestampOfNs, type WireTimestamp } from '../rpc/time.js';
export { exportImages, importImages, type ExportOptions, type ImportOptions } from './archives.js';
export { attach, type Attached, type AttachRequest } from './attach.js';
export { commitContainer, compareTrees, containerChanges, forkContainer, type PathChange } from './changes.js';
export {
  deleteContent,
  ingestContent,
  listContent,
  listIngests,
  readContent,
  type Ingest,
  type IngestRequest,
  type StoredContent,
} from './content.js';
export {
  collectGarbage,
  diskUsage,
  explainObject,
  type Amount,
  type CollectionReport,
  type Explanation,
  type KeptChain,
  type KeptObject,
  type UsageReport,
  type UsageSizes,
} from './disk-usage.js';
export { journalRange, readEvents, type ClientEvent, type EventsRequest, type JournalRange } from './events.js';
export {
  execProcess,
  inspectContainer,
  killProcess,
  listContainers,
  removeContainer,
  renameContainer,
  runContainer,
  runOwnedContainer,
  type OwnedContainer,
  startContainer,
  stopContainer,
  type ContainerSummary,
  type ExecRequest,
  type RunRequest,
  type StoredContainer,
} from './execution.js';
export { containerStats, type ContainerStats } from './stats.js';
export { hostileSelftest, type AttackOutcome } from './selftest.js';
export { checkStores, type FsckFinding, type FsckOptions, type FsckReport } from './fsck.js';
export { listImages, removeImage, type ImageSummary } from './images.js';
export { readLogs, type LoggedOutput, type LogsRequest } from './logs.js';
export { type TransferProgress } from './progress-stream.js';
export { pushImage, tagImage, type PushOptions } from './push.js';
export { fetchImage, pullImage, type FetchOptions, type PullOptions } from './pull.js';
export { type Credentials, type CredentialsQuestion, type RegistryAccess } from './registry-access.js';
export { authenticate, fetchObject, pushObject, type FetchObjectOptions, type PushedObject } from './remotes.js';
export {
  applyLayer,
  mountImage,
  prepareRootfs,
  removeRootfs,
  rootfsMounts,
  unmountImage,
  unpackManifest,
  type AppliedLayer,
  type ClientMount,
  type UnpackOptions,
} from './rootfs.js';
export { openSession } from './open-session.js';
export type { Session, SessionOptions } from './session.js';
export { serverVersion } from './version.js';
