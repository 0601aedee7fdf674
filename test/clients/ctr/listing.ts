import type { Incoming } from '../../../src/rpc/handlers.js';
import type { Side } from './world.js';

/** Lines by the sort of what they tell of, sorted. */
export type Listing = Readonly<Record<string, readonly string[]>>;

/** What came and what went. */
export function changes(before: Listing, after: Listing): Listing {
  const without = (these: readonly string[] = [], those: readonly string[] = []): string[] =>
    these.filter((line) => !those.includes(line));
  return Object.fromEntries(
    Object.keys(after).flatMap((kind) => [
      [`+${kind}`, without(after[kind], before[kind])],
      [`-${kind}`, without(before[kind], after[kind])],
    ]),
  );
}

/** Everything of a side's namespace as a second client lists it, without what has to differ: times, process ids, made-up names. */
export async function listEverything(side: Side): Promise<Listing> {
  const { channel } = side;
  const content: string[] = [];
  for await (const { info } of channel.service('containerd.services.content.v1.Content').list({})) {
    content.push(...info.map(({ digest, size, labels }) => `${digest} ${size} ${labelsOf(labels)}`));
  }
  const snapshots: string[] = [];
  for (const snapshotter of ['overlayfs', 'native']) {
    const service = channel.service('containerd.services.snapshots.v1.Snapshots');
    for await (const { info } of service.list({ snapshotter })) {
      snapshots.push(
        ...info.map((each) => `${snapshotter} ${each.name} ${each.parent} ${each.kind} ${labelsOf(each.labels)}`),
      );
    }
  }
  const { images } = await channel.service('containerd.services.images.v1.Images').list({});
  const { containers } = await channel.service('containerd.services.containers.v1.Containers').list({});
  const { tasks } = await channel.service('containerd.services.tasks.v1.Tasks').list({});
  const { leases } = await channel.service('containerd.services.leases.v1.Leases').list({});
  const { namespaces } = await channel.service('containerd.services.namespaces.v1.Namespaces').list({});
  const listed = {
    images: images.map(
      (each) => `${each.name} ${each.target?.media_type} ${each.target?.digest} ${labelsOf(each.labels)}`,
    ),
    content,
    snapshots,
    containers: containers.map(containerLine),
    tasks: tasks.map(({ id, status, exit_status }) => `${id} ${status} ${exit_status}`),
    leases: leases.map(({ id, labels }) => `${id} ${labelsOf(labels)}`),
    namespaces: namespaces.map(({ name, labels }) => `${name} ${labelsOf(labels)}`),
  };
  const plain = (line: string): string => masked(line, side);
  return Object.fromEntries(Object.entries(listed).map(([kind, lines]) => [kind, lines.map(plain).sort()]));
}

function containerLine(container: Incoming<'containerd.services.containers.v1.Container'>): string {
  const { id, image, runtime, snapshotter, snapshot_key, labels, spec } = container;
  const options = runtime?.options?.type_url ?? '';
  return `${id} ${image} ${runtime?.name} ${options} ${snapshotter} ${snapshot_key} ${spec?.type_url} ${labelsOf(labels)}`;
}

const labelsOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');

const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?Z| ?[+-]\d\d:?\d\d( UTC)?)?/g, 'TIME'],
  [/\b\d+(\.\d+)?(µs|ms|s|m|h)\b/g, 'AGE'],
  [/\b\d+ (seconds?|minutes?|hours?)\b/g, 'AGE'],
  [/\b\d+(\.\d+)? [KM]iB\/s\b/g, 'RATE'],
  // containerd's own keys of snapshots, which it shows by mistake.
  [/NAMESPACE\/\d+\//g, ''],
  [/\/snapshots\/\d+\//g, '/snapshots/N/'],
];

/** Text of a side with whatever is its own put as the same words on both. */
export function masked(text: string, side: Side): string {
  const own: readonly (readonly [string, string])[] = [
    [side.dir, 'DIR'],
    [side.state, 'STATE'],
    [side.namespace, 'NAMESPACE'],
    [`-${side.words.side}`, '-SIDE'],
  ];
  const named = own.reduce((said, [value, word]) => said.replaceAll(value, word), text);
  return MASKS.reduce((said, [pattern, word]) => said.replace(pattern, word), named);
}
