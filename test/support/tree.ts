import { output } from './run.js';

/** All that a directory tree says of one of its members. */
export interface TreeMember {
  readonly mode: string;
  readonly owner: string;
  /** Of a file; other types have sizes that depend on the file system. */
  readonly size: number | null;
  /** Nanoseconds since 1970. */
  readonly mtime: string;
  /** Of a symlink. */
  readonly target: string | null;
  /** Major and minor number of a device. */
  readonly device: string | null;
  /** Values in hex. */
  readonly xattrs: Readonly<Record<string, string>>;
  readonly sha256: string | null;
  /** The first of the names that are the same file. */
  readonly sameAs: string;
}

/** Python, so that what is looked at by it shares nothing with what made it. */
const SCRIPT = String.raw`
import hashlib, json, os, stat, sys
top, ghosts, skip = os.fsencode(sys.argv[1]), sys.argv[2] == 'ghosts', tuple(sys.argv[3:])
members, first = {}, {}
paths = [b'.']
for folder, folders, files in os.walk(top):
    paths += [os.path.relpath(os.path.join(folder, name), top) for name in folders + files]
for path in sorted(paths):
    full = os.path.join(top, path)
    if ghosts and not os.path.lexists(full):
        continue
    st = os.lstat(full)
    kind = stat.S_IFMT(st.st_mode)
    name = path.decode('utf-8', 'surrogateescape').encode('utf-8', 'backslashreplace').decode()
    regular = kind == stat.S_IFREG
    digest = None
    if regular:
        with open(full, 'rb') as file:
            digest = hashlib.file_digest(file, 'sha256').hexdigest()
    xattrs = {}
    for key in os.listxattr(full, follow_symlinks=False):
        if not key.startswith(skip):
            xattrs[key] = os.getxattr(full, key, follow_symlinks=False).hex()
    same = name if kind == stat.S_IFDIR else first.setdefault((st.st_dev, st.st_ino), name)
    members[name] = {
        'mode': oct(st.st_mode), 'owner': f'{st.st_uid}:{st.st_gid}', 'size': st.st_size if regular else None,
        'mtime': str(st.st_mtime_ns), 'target': os.fsdecode(os.readlink(full)) if kind == stat.S_IFLNK else None,
        'device': f'{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}' if kind in (stat.S_IFBLK, stat.S_IFCHR) else None,
        'xattrs': xattrs, 'sha256': digest, 'sameAs': same,
    }
json.dump(members, sys.stdout)
`;

/**
 * Every member of the tree at `dir` by its path; `.` is the folder itself.
 *
 * @param skipXattrs Beginnings of names that are left out, such as those by which overlay keeps its own books.
 * @param options `ghosts`: names that are listed and yet not there are left out, instead of an error.
 */
export async function inventory(
  dir: string,
  skipXattrs: readonly string[] = [],
  { ghosts = false }: { readonly ghosts?: boolean } = {},
): Promise<Record<string, TreeMember>> {
  const text = await output('python3', ['-c', SCRIPT, dir, ghosts ? 'ghosts' : 'all', ...skipXattrs]);
  return JSON.parse(text) as Record<string, TreeMember>;
}
