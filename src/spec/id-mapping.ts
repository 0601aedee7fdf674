import { DaemonError } from '../base/errors.js';

/** A range of ids of a container, which on the host is another one. */
export interface IdRange {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

/** What users and groups of a container are on the host. */
export interface IdMapping {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** 2^32 - 1 is no id: the kernel's own "none". */
const IDS_END = 2 ** 32 - 1;
/** user_namespaces(7) */
const RANGES_MAX = 340;

/**
 * Ranges as containerd's labels and mount options have them, `container:host:size` joined by commas.
 *
 * @throws invalid-argument: no such text, none at all, too many, or beyond the ids that there are.
 */
export function parseIdRanges(text: string): readonly IdRange[] {
  const ranges = text.split(',').map((one) => {
    const [, container, host, count] = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(one) ?? [];
    const range = { containerId: Number(container), hostId: Number(host), size: Number(count) };
    if (count === undefined || !isWithinIds(range)) throw badRanges(text);
    return range;
  });
  if (ranges.length > RANGES_MAX || overlap(ranges)) throw badRanges(text);
  return ranges;
}

/** As parseIdRanges reads them. */
export function formatIdRanges(ranges: readonly IdRange[]): string {
  return ranges.map(({ containerId, hostId, size }) => `${containerId}:${hostId}:${size}`).join(',');
}

/** The host's id; undefined for one that the container does not have. */
export function toHostId(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  return range && range.hostId + (id - range.containerId);
}

/** The container's id; undefined for one that the container does not have. */
export function toContainerId(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ hostId, size }) => id >= hostId && id < hostId + size);
  return range && range.containerId + (id - range.hostId);
}

/** Whether all its ids exist. */
export function isWithinIds({ containerId, hostId, size }: IdRange): boolean {
  return size >= 1 && containerId + size <= IDS_END && hostId + size <= IDS_END;
}

function overlap(ranges: readonly IdRange[]): boolean {
  return (['containerId', 'hostId'] as const).some((side) => {
    const sorted = ranges.toSorted((a, b) => a[side] - b[side]);
    return sorted.some(
      (range, at) => at > 0 && range[side] < (sorted[at - 1]?.[side] ?? 0) + (sorted[at - 1]?.size ?? 0),
    );
  });
}

function badRanges(text: string): DaemonError {
  return new DaemonError(
    'invalid-argument',
    `mapping of ids ${JSON.stringify(text.slice(0, 160))} is not of the form container:host:size, with ranges apart from each other, joined by commas`,
  );
}
