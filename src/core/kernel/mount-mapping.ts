import { formatIdRanges, parseIdRanges, type IdMapping } from '../../spec/id-mapping.js';

const UIDS = 'uidmap=';
const GIDS = 'gidmap=';

/** The mount options by which containerd's snapshotters ask for mapped owners. */
export function mappingOptions({ uids, gids }: IdMapping): readonly string[] {
  return [UIDS + formatIdRanges(uids), GIDS + formatIdRanges(gids)];
}

/**
 * The mapping that mount options ask for; undefined for none. With one of the two only it counts for both.
 *
 * @throws invalid-argument: no mapping.
 */
export function mappingOf(options: readonly string[]): IdMapping | undefined {
  const [uids, gids] = [UIDS, GIDS].map((key) => options.findLast((option) => option.startsWith(key))?.slice(key.length));
  const [users, groups] = [uids ?? gids, gids ?? uids];
  if (users === undefined || groups === undefined) return undefined;
  return { uids: parseIdRanges(users), gids: parseIdRanges(groups) };
}

/** The options without those of `mappingOf`: what lies on disk is seen as it is. */
export function withoutMapping(options: readonly string[]): readonly string[] {
  return options.filter((option) => !option.startsWith(UIDS) && !option.startsWith(GIDS));
}
