import { DaemonError } from '../base/errors.js';
import type { SpecUser } from './runtime-spec.js';

/** Ids beyond that are taken for negative somewhere (CVE-2024-40635). */
const ID_MAX = 2 ** 31 - 1;
const NAME_LENGTH_MAX = 256;
// eslint-disable-next-line no-control-regex -- control characters are what it refuses
const NAME = /^[^\s:,+\-\x00-\x1f\x7f][^\s:,\x00-\x1f\x7f]*$/;

/** A user or group, as given: digits are always a number, anything else always a name. */
export type UserPart = { readonly id: number } | { readonly name: string };

/** `user[:group]` as an image's USER and `--user` have it. */
export interface UserReference {
  readonly user: UserPart;
  readonly group?: UserPart;
  /** Further groups. */
  readonly more?: readonly UserPart[];
}

/**
 * Takes a USER apart; empty means root.
 *
 * @throws invalid-argument: an empty part, a number over 2^31-1 (never a name instead), or characters that no name has.
 */
export function parseUser(text: string): UserReference {
  if (text === '') return { user: { id: 0 } };
  const [user = '', group, ...more] = text.split(':');
  if (more.length > 0) throw badUser(text, 'has more than one colon');
  const part = parsePart(user, text);
  return group === undefined ? { user: part } : { user: part, group: parsePart(group, text) };
}

/** A further group. @throws invalid-argument: as parseUser. */
export function parseGroup(text: string): UserPart {
  return parsePart(text, text);
}

/**
 * Finds ids and supplementary groups by the contents of /etc/passwd and /etc/group of the container (passwd(5), group(5)).
 *
 * A number need not be in there; its group is then 0. The primary group is among the additional ones (GHSA-hmfx-3pcx-653p), and so are
 * all groups that list the user by name.
 *
 * @throws invalid-argument: a name that is not in there, or an id there that is none.
 */
export function resolveUser(reference: UserReference, passwd: string, group: string): SpecUser {
  const row = findRow(passwd, reference.user);
  if (row === undefined && 'name' in reference.user) {
    throw new DaemonError(
      'invalid-argument',
      `user ${JSON.stringify(reference.user.name)} is not in the container's /etc/passwd`,
    );
  }
  const uid = 'id' in reference.user ? reference.user.id : fileId(row?.[2], 'passwd');
  const own = row === undefined ? 0 : fileId(row[3], 'passwd');
  const gid = reference.group === undefined ? own : groupId(reference.group, group);
  const name = row?.[0];
  const member = name === undefined ? [] : groupsOf(name, group);
  const more = reference.more?.map((part) => groupId(part, group)) ?? [];
  return { uid, gid, additionalGids: [...new Set([gid, ...member, ...more])].sort((a, b) => a - b) };
}

function parsePart(part: string, whole: string): UserPart {
  if (/^[0-9]+$/.test(part)) {
    const id = Number(part);
    if (id > ID_MAX) throw badUser(whole, `has the number ${part.slice(0, 40)}, beyond ${ID_MAX}`);
    return { id };
  }
  if (part === '') throw badUser(whole, 'has an empty part');
  if (part.length > NAME_LENGTH_MAX || !NAME.test(part))
    throw badUser(whole, 'has a part that is neither a number nor a name');
  return { name: part };
}

function badUser(text: string, why: string): DaemonError {
  return new DaemonError(
    'invalid-argument',
    `user ${JSON.stringify(text.slice(0, 160))} ${why}: give user[:group] by name or number`,
  );
}

function findRow(file: string, part: UserPart): readonly string[] | undefined {
  for (const row of rowsOf(file)) {
    if ('name' in part ? row[0] === part.name : row[2] === String(part.id)) return row;
  }
  return undefined;
}

function groupId(part: UserPart, file: string): number {
  if ('id' in part) return part.id;
  const row = findRow(file, part);
  if (row) return fileId(row[2], 'group');
  throw new DaemonError('invalid-argument', `group ${JSON.stringify(part.name)} is not in the container's /etc/group`);
}

function groupsOf(user: string, file: string): number[] {
  return [...rowsOf(file)].filter((row) => row[3]?.split(',').includes(user)).map((row) => fileId(row[2], 'group'));
}

function* rowsOf(file: string): Iterable<readonly string[]> {
  for (const line of file.split('\n')) if (line !== '' && !line.startsWith('#')) yield line.split(':');
}

function fileId(text: string | undefined, file: string): number {
  if (text !== undefined && /^[0-9]+$/.test(text) && Number(text) <= ID_MAX) return Number(text);
  throw new DaemonError(
    'invalid-argument',
    `the container's /etc/${file} has the id ${JSON.stringify((text ?? '').slice(0, 40))}, which is none`,
  );
}
