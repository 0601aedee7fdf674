import { DaemonError } from '../base/errors.js';
import { Teardown } from '../base/teardown.js';
import type { ContentInfo, ContentStore, IngestStatus } from '../core/content/content-store.js';
import type { Scoped } from '../core/namespaces/scope.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { fromInteger, toSafeNumber } from '../rpc/int64.js';
import { timestampOfDate } from '../rpc/time.js';
import { parseDigest } from '../spec/digest.js';
import { WriteSession } from './content-write.js';
import { inPages } from './paging.js';

/** containerd.services.content.v1.Content: blobs by digest, ingests by ref. */
export function createContentService(
  content: Scoped<ContentStore>,
): ServiceImplementation<'containerd.services.content.v1.Content'> {
  return {
    async info({ digest }, { scope }) {
      return { info: toWireInfo(await content(scope).info(parseDigest(digest))) };
    },
    async update({ info, update_mask }, { scope }) {
      const { digest, labels } = needed(info);
      return { info: toWireInfo(await content(scope).update(parseDigest(digest), labels, update_mask?.paths)) };
    },
    async *list({ filters }, { scope, signal }) {
      for await (const page of inPages(content(scope).list(filters, signal))) yield { info: page.map(toWireInfo) };
    },
    async delete({ digest }, { scope }) {
      await content(scope).delete(parseDigest(digest));
    },
    async *read(request, { scope, signal }) {
      await using blob = await content(scope).open(parseDigest(request.digest), signal);
      const from = Math.max(0, toSafeNumber(request.offset));
      if (from > blob.size) throw new DaemonError('out-of-range', `read past object length ${blob.size} bytes`);
      const size = toSafeNumber(request.size);
      const to = size <= 0 ? blob.size : Math.min(from + size, blob.size);
      for await (const { offset, bytes } of blob.chunks({ from, to, lent: true }, signal)) {
        yield { offset: fromInteger(offset - from), data: bytes };
      }
    },
    async status({ ref }, { scope }) {
      return { status: toWireStatus(await content(scope).status(ref)) };
    },
    async listStatuses({ filters }, { scope }) {
      return { statuses: (await content(scope).statuses(filters)).map(toWireStatus) };
    },
    async *write(requests, { scope, signal }) {
      await using down = new Teardown();
      let session: WriteSession | undefined;
      for await (const request of requests) {
        session ??= down.own(await WriteSession.open(content(scope), request, signal));
        yield await session.answer(request, signal);
        if (request.action === 'COMMIT') return;
      }
    },
    async abort({ ref }, { scope }) {
      await content(scope).abort(ref);
    },
  };
}

function needed(
  info: Incoming<'containerd.services.content.v1.Info'> | null,
): Incoming<'containerd.services.content.v1.Info'> {
  if (info) return info;
  throw new DaemonError('invalid-argument', 'info is missing: invalid argument');
}

function toWireInfo(info: ContentInfo): Outgoing<'containerd.services.content.v1.Info'> {
  return {
    digest: info.digest,
    size: fromInteger(info.size),
    created_at: timestampOfDate(info.createdAt),
    updated_at: timestampOfDate(info.updatedAt),
    labels: info.labels,
  };
}

function toWireStatus(status: IngestStatus): Outgoing<'containerd.services.content.v1.Status'> {
  return {
    ref: status.ref,
    offset: fromInteger(status.offset),
    total: fromInteger(status.total),
    expected: status.expected ?? '',
    started_at: timestampOfDate(status.startedAt),
    updated_at: timestampOfDate(status.updatedAt),
  };
}
