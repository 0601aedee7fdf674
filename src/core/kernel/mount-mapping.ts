import { formatIdRanges, parseIdRanges, type IdMapping, type IdRange } from '../../spec/id-mapping.js';
import { LABELS, type Labels } from '../../spec/labels.js';

const UIDS = 'uidmap=';
const GIDS = 'gidmap=';

/** The mount options by which containerd's snapshotters ask for mapped owners. */
export function mappingOptions({ uids, gids }: IdMapping): readonly string[] {
  return [UIDS + formatIdRanges(uids), GIDS + formatIdRanges(gids)];
}

/** The labels by which a snapshot gets such mounts. */
export function mappingLabels({ uids, gids }: IdMapping): Labels {
  return { [LABELS.snapshotUids]: formatIdRanges(uids), [LABELS.snapshotGids]: formatIdRanges(gids) };
}

/** The mapping that a snapshot's labels tell, as mappingOf. */
export function mappingOfLabels(labels: Labels): IdMapping | undefined {
  const [uids, gids] = [labels[LABELS.snapshotUids], labels[LABELS.snapshotGids]];
  return mappingOf([...(uids === undefined ? [] : [UIDS + uids]), ...(gids === undefined ? [] : [GIDS + gids])]);
}

/**
 * The mapping that mount options ask for; undefined for none. With one of the two only it counts for both.
 *
 * @throws invalid-argument: no mapping.
 */
export function mappingOf(options: readonly string[]): IdMapping | undefined {
  const [uids, gids] = [UIDS, GIDS].map((key) =>
    options.findLast((option) => option.startsWith(key))?.slice(key.length),
  );
  const [users, groups] = [uids ?? gids, gids ?? uids];
  if (users === undefined || groups === undefined) return undefined;
  return { uids: parseIdRanges(users), gids: parseIdRanges(groups) };
}

/** A mapping as the files uid_map and gid_map of a user namespace take it (user_namespaces(7)). */
export interface NamespaceMaps {
  readonly uids: string;
  readonly gids: string;
}

export function namespaceMaps({ uids, gids }: IdMapping): NamespaceMaps {
  const lines = (ranges: readonly IdRange[]) =>
    ranges.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`).join('');
  return { uids: lines(uids), gids: lines(gids) };
}

/** The options without those of `mappingOf`: what lies on disk is seen as it is. */
export function withoutMapping(options: readonly string[]): readonly string[] {
  return options.filter((option) => !option.startsWith(UIDS) && !option.startsWith(GIDS));
}
