import { isKind } from '../base/errors.js';
import { toSafeNumber } from '../rpc/int64.js';
import { dateOfTimestamp } from '../rpc/time.js';
import { finishDigest, hasherOf, parseDigest, type Digest } from '../spec/digest.js';
import { LABELS, ROOT_LABEL_PATHS, rootLabels } from '../spec/labels.js';
import type { Session } from './session.js';

const CHUNK_BYTES = 1024 * 1024;

/** A stored blob as a list shows it. */
export interface StoredContent {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
}

/** An ingest under way. */
export interface Ingest {
  readonly ref: string;
  /** Bytes written so far, and in all (0 when not known). */
  readonly offset: number;
  readonly total: number;
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

const contentOf = (session: Session) => session.service('containerd.services.content.v1.Content');

/** All blobs of the namespace, ordered by digest. @param filters In containerd's filter syntax; any that fits suffices. */
export async function* listContent(
  session: Session,
  filters: readonly string[] = [],
  signal?: AbortSignal,
): AsyncIterable<StoredContent> {
  for await (const page of contentOf(session).list({ filters: [...filters] }, optional(signal))) {
    for (const info of page.info) {
      yield {
        digest: parseDigest(info.digest),
        size: toSafeNumber(info.size),
        createdAt: dateOf(info.created_at),
        labels: info.labels,
      };
    }
  }
}

/** The bytes of a blob, in pieces. @throws not-found. */
export async function* readContent(session: Session, digest: Digest, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  for await (const { data } of contentOf(session).read({ digest }, optional(signal))) yield data;
}

/** Drops a blob. @returns False when it was gone already. */
export async function deleteContent(session: Session, digest: Digest, signal?: AbortSignal): Promise<boolean> {
  try {
    await contentOf(session).delete({ digest }, optional(signal));
    return true;
  } catch (error) {
    if (isKind(error, 'not-found')) return false;
    throw error;
  }
}

/** Ingests under way, ordered by ref. @param filters In containerd's filter syntax. */
export async function listIngests(
  session: Session,
  filters: readonly string[] = [],
  signal?: AbortSignal,
): Promise<readonly Ingest[]> {
  const { statuses } = await contentOf(session).listStatuses({ filters: [...filters] }, optional(signal));
  return statuses.map((status) => ({
    ref: status.ref,
    offset: toSafeNumber(status.offset),
    total: toSafeNumber(status.total),
    startedAt: dateOf(status.started_at),
    updatedAt: dateOf(status.updated_at),
  }));
}

/** What `ingestContent` is told besides the bytes. */
export interface IngestRequest {
  /** Name of the ingest; the next one under the same name goes on where a broken one ended. */
  readonly ref: string;
  readonly size?: number | undefined;
  readonly digest?: Digest | undefined;
  readonly labels?: Readonly<Record<string, string>>;
  /** The command that wants the content kept until it is deleted, as a user would type it. Without it the collector may take it. */
  readonly keptBy?: string;
  readonly signal?: AbortSignal;
}

/**
 * Stores bytes. Content that exists already is success.
 *
 * @returns The digest.
 * @throws failed-precondition: another size or digest than said; the ingest is kept. unavailable: the ref has a writer.
 */
export async function ingestContent(
  session: Session,
  request: IngestRequest,
  source: AsyncIterable<Uint8Array>,
): Promise<Digest> {
  const { ref, size = 0, digest = '', keptBy } = request;
  const labels = { ...request.labels, ...(keptBy === undefined ? {} : rootLabels(keptBy)) };
  const hash = hasherOf('sha256');
  async function* messages() {
    yield { action: 'WRITE' as const, ref, total: String(size), expected: digest, offset: '0', data: Buffer.alloc(0) };
    let offset = 0;
    for await (const bytes of source) {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        const data = bytes.subarray(at, at + CHUNK_BYTES);
        hash.update(data);
        yield { action: 'WRITE' as const, ref, offset: String(offset), data: Buffer.from(data) };
        offset += data.length;
      }
    }
    yield {
      action: 'COMMIT' as const,
      ref,
      offset: String(offset),
      total: String(size === 0 ? offset : size),
      expected: digest,
      labels,
    };
  }
  let stored = '';
  try {
    for await (const reply of contentOf(session).write(messages(), optional(request.signal))) stored = reply.digest;
  } catch (error) {
    if (!isKind(error, 'already-exists')) throw error;
    const present = digest === '' ? finishDigest('sha256', hash) : digest;
    if (keptBy !== undefined) await keepContent(session, present, keptBy, request.signal);
    return present;
  }
  return parseDigest(stored);
}

/** Content that is kept already stays as it is. */
async function keepContent(session: Session, digest: Digest, command: string, signal?: AbortSignal): Promise<void> {
  const service = contentOf(session);
  const { info } = await service.info({ digest }, optional(signal));
  if (info && LABELS.gcRoot in info.labels) return;
  const update_mask = { paths: [...ROOT_LABEL_PATHS] };
  await service.update({ info: { digest, labels: rootLabels(command) }, update_mask }, optional(signal));
}

function dateOf(timestamp: Parameters<typeof dateOfTimestamp>[0]): Date {
  return dateOfTimestamp(timestamp) ?? new Date(0);
}

function optional(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
