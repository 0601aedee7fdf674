import type { Guard } from '../../src/selftest/guards.js';

/** A source file, and what is replaced in it. Each text to be replaced occurs once. */
export interface Mutation {
  readonly file: string;
  readonly changes: readonly (readonly [from: string, to: string])[];
}

const UNPACK = 'src/drivers/diff-tar';
const NEVER = 'if (Date.now() < 0)';
const FS = `process.getBuiltinModule('node:fs')`;

const mutation = (file: string, ...changes: Mutation['changes']): Mutation => ({ file, changes });

/** How each guard is turned off. */
export const MUTANTS: Readonly<Record<Guard, readonly Mutation[]>> = {
  'no-parent-components': [mutation(`${UNPACK}/entry-path.ts`, [`if (component === '..')`, NEVER])],
  'no-empty-names': [mutation(`${UNPACK}/entry-path.ts`, [`if (name.length === 0)`, NEVER])],
  // The addon takes none either; a C program would see the name end there.
  'no-nul': [
    mutation(`${UNPACK}/pax.ts`, [`if (value.includes(0))`, NEVER]),
    mutation(`${UNPACK}/entry-path.ts`, [
      `return Buffer.from(latin1, 'latin1');`,
      `return Buffer.from(latin1.split('\\0', 1)[0] ?? '', 'latin1');`,
    ]),
  ],
  'component-length': [mutation(`${UNPACK}/entry-path.ts`, [`if (component.length > NAME_BYTES_MAX)`, NEVER])],
  'name-length': [mutation(`${UNPACK}/entry-path.ts`, [`if (name.length > limits.maxPathBytes)`, NEVER])],
  depth: [
    mutation(`${UNPACK}/entry-path.ts`, [`if (components.length > limits.maxPathDepth)`, NEVER]),
    mutation(`${UNPACK}/dir-tree.ts`, [`if (parent.depth >= this.#maxDepth)`, NEVER]),
  ],
  'links-inside': [
    mutation(
      `${UNPACK}/dir-tree.ts`,
      [
        `isSymlink(stat)) return { target: this.#files.readLink(dir, raw) };`,
        `isSymlink(stat)) return this.adopt(node, name, stat);`,
      ],
      [`OPEN.directory | OPEN.noFollow`, `OPEN.directory`],
    ),
  ],
  'link-count': [mutation(`${UNPACK}/dir-tree.ts`, [`if (links > SYMLINKS_MAX || left.length > 4096)`, NEVER])],
  'no-file-as-parent': [mutation(`${UNPACK}/dir-tree.ts`, [`if (!isWhiteout(stat)) throw`, `${NEVER} throw`])],
  'root-is-a-directory': [mutation(`${UNPACK}/layer-writer.ts`, [`if (entry.type !== 'directory') {`, `${NEVER} {`])],
  'replaced-not-opened': [
    mutation(`${UNPACK}/layer-writer.ts`, [
      `this.#files.createFile(dir, raw, { mode, uid, gid, mtime, content: whole });`,
      `${FS}.writeFileSync('/proc/self/fd/' + dir + '/' + name, whole);`,
    ]),
  ],
  'hard-link-targets': [mutation(`${UNPACK}/hard-links.ts`, [`if (isDirectory(stat) || isWhiteout(stat))`, NEVER])],
  'metadata-not-followed': [
    mutation(`${UNPACK}/entry-metadata.ts`, [
      `const times = { mtime, ...(atime ? { atime } : {}) };`,
      `const times = { mtime, ...(atime ? { atime } : {}) }; ${FS}.chmodSync('/proc/self/fd/' + dir + '/' + name.toString('latin1'), mode);`,
    ]),
  ],
  'whiteout-names': [
    mutation(`${UNPACK}/whiteouts.ts`, [`if (at < last || hidden === '' || hidden === '.' || hidden === '..')`, NEVER]),
  ],
  'aufs-names': [
    mutation(`${UNPACK}/whiteouts.ts`, [
      `if (component.startsWith(META_PREFIX) && (at < last || component !== OPAQUE))`,
      NEVER,
    ]),
  ],
  'xattr-allow-list': [
    mutation(
      `${UNPACK}/xattr-policy.ts`,
      [`return name === 'security.capability' && type === 'file';`, `return true;`],
      [`!name.startsWith('user.overlay.') &&`, ``],
    ),
  ],
  'overlay-mark': [
    mutation(`${UNPACK}/entry-errors.ts`, [`if (type === 'char' && major === 0 && minor === 0)`, NEVER]),
  ],
  'device-range': [
    mutation(`${UNPACK}/entry-errors.ts`, [
      `if (major < 0 || major > MAJOR_MAX || minor < 0 || minor > MINOR_MAX)`,
      NEVER,
    ]),
  ],
  'known-types': [
    mutation(`${UNPACK}/tar-member.ts`, [
      `Object.hasOwn(TYPES, flag) ? TYPES[flag] : undefined`,
      `TYPES[flag] ?? 'file'`,
    ]),
  ],
  'private-root': [
    mutation('src/base/directory.ts', [`!== mode) await chmod(path, mode)`, `=== mode) await chmod(path, 0o755)`]),
  ],
  'max-bytes': [mutation(`${UNPACK}/apply-layer.ts`, [`if (tarBytes > limits.maxBytes)`, NEVER])],
  'max-ratio': [
    mutation(`${UNPACK}/apply-layer.ts`, [
      `if (tarBytes > limits.ratioFloorBytes && tarBytes > stream.bytesRead() * limits.maxRatio)`,
      NEVER,
    ]),
  ],
  'max-entries': [
    mutation(`${UNPACK}/layer-writer.ts`, [`if (this.#entries > this.#target.limits.maxEntries)`, NEVER]),
  ],
  'max-extended-bytes': [
    mutation(`${UNPACK}/tar-parser.ts`, [
      `if (bytes <= this.#maxExtendedBytes) return;`,
      `if (Date.now() > 0) return;`,
    ]),
  ],
  'sparse-map': [
    mutation(`${UNPACK}/sparse.ts`, [`if (offset < end || length < 0 || offset + length > sizeBytes)`, NEVER]),
  ],
  'xattr-size': [mutation(`${UNPACK}/pax.ts`, [`value.length > XATTR_BYTES_MAX`, `value.length < 0`])],
  'diff-id': [mutation('src/core/rootfs/diff-id.ts', [`if (diffId === promised) return;`, `return;`])],
  'whole-stream': [mutation(`${UNPACK}/decompress.ts`, [`throw broken('gzip', messageOf(cause), cause);`, `return;`])],
  'whole-archive': [mutation(`${UNPACK}/tar-parser.ts`, [`if (this.#state.kind !== 'end' && !atBoundary)`, NEVER])],
  cancel: [
    mutation(
      `${UNPACK}/apply-layer.ts`,
      [`watch.check();\n    tarBytes +=`, `tarBytes +=`],
      [`watch.check();\n  const { usage`, `const { usage`],
    ),
  ],
  'own-programs': [
    mutation('src/sys/program-path.ts', [
      `of SYSTEM_PATH.split(':')) {\n    const path`,
      `of (process.env['PATH'] ?? '').split(':')) {\n    const path`,
    ]),
  ],
  'layer-types': [mutation(`${UNPACK}/apply-layer.ts`, [`if (packingOf(request.mediaType) === undefined)`, NEVER])],
  'raw-names': [
    mutation(`${UNPACK}/entry-path.ts`, [
      `splitComponents(name.toString('latin1'))`,
      `splitComponents(name.toString('utf8'))`,
    ]),
  ],
  'number-range': [
    mutation(`${UNPACK}/tar-number.ts`, [`if (Number.isSafeInteger(value)) return value;`, `return value;`]),
  ],
  'exact-modes': [
    mutation(`${UNPACK}/entry-metadata.ts`, [
      `{ uid: entry.uid, gid: entry.gid, mode: entry.mode }`,
      `{ uid: entry.uid, gid: entry.gid }`,
    ]),
  ],
};
