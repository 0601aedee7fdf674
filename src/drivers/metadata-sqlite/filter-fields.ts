import type { Container } from '../../core/containers/container-store.js';
import type { ContentInfo } from '../../core/content/content-store.js';
import type { Image } from '../../core/images/image-store.js';
import type { Lease } from '../../core/leases/lease-store.js';
import type { Sandbox } from '../../core/sandboxes/sandbox-store.js';
import type { SnapshotInfo } from '../../core/snapshots/snapshotter.js';
import { fieldOfMap, type FieldOf } from '../../spec/filter.js';

/** The fields that containerd's filters know of each noun (its core/metadata/adaptors.go); an empty text counts as absent for most. */
type Fields = Readonly<Record<string, (path: readonly string[]) => string | undefined>>;

function fieldsOf(fields: Fields): FieldOf {
  return ([head, ...rest]) => (head !== undefined && Object.hasOwn(fields, head) ? fields[head]?.(rest) : undefined);
}

const present = (text: string) => (text === '' ? undefined : text);

export function contentFields({ digest, labels }: ContentInfo): FieldOf {
  return fieldsOf({ digest: () => digest, labels: (path) => fieldOfMap(labels, path) });
}

export function ingestFields(ref: string): FieldOf {
  return fieldsOf({ ref: () => ref });
}

export function imageFields({ name, target, labels }: Image): FieldOf {
  const targetFields = fieldsOf({ digest: () => target.digest, mediatype: () => present(target.mediaType) });
  return fieldsOf({
    name: () => present(name),
    target: targetFields,
    labels: (path) => fieldOfMap(labels, path),
    annotations: (path) => fieldOfMap(target.annotations, path),
  });
}

export function containerFields({ id, runtime, image, labels }: Container): FieldOf {
  return fieldsOf({
    id: () => present(id),
    runtime: fieldsOf({ name: () => present(runtime.name) }),
    image: () => present(image),
    labels: (path) => fieldOfMap(labels, path),
  });
}

export function sandboxFields({ id, runtime, labels, sandboxer }: Sandbox): FieldOf {
  return fieldsOf({
    id: () => present(id),
    runtime: fieldsOf({ name: () => present(runtime.name) }),
    sandboxer: () => present(sandboxer),
    labels: (path) => fieldOfMap(labels, path),
  });
}

export function leaseFields({ id, labels }: Lease): FieldOf {
  return fieldsOf({ id: () => present(id), labels: (path) => fieldOfMap(labels, path) });
}

export function snapshotFields({ kind, name, parent, labels }: SnapshotInfo): FieldOf {
  return fieldsOf({
    kind: () => kind,
    name: () => name,
    parent: () => parent,
    labels: (path) => fieldOfMap(labels, path),
  });
}
