import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../../base/durable.js';
import { DaemonError, isErrno } from '../../base/errors.js';

/** Version of how the directories below the root are laid out, and the release that brought it. */
const LAYOUT = { version: 1, release: '0.1.0' } as const;

/**
 * Checks that this wharfd understands the directories below `root`, and marks an empty root as its own. To be called before anything
 * else touches the root.
 *
 * @returns Whether the root is used for the first time.
 * @throws failed-precondition: laid out by a newer release, which the message names.
 */
export async function checkLayout(root: string): Promise<'new' | 'known'> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const path = join(root, 'layout.json');
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw cause;
  });
  if (text === undefined) {
    await writeDurably(path, `${JSON.stringify(LAYOUT)}\n`);
    return 'new';
  }
  const { version, release } = parseLayout(path, text);
  if (version <= LAYOUT.version) return 'known';
  throw new DaemonError(
    'failed-precondition',
    `${root} is laid out for wharfd ${release} or later (layout ${version}, this one knows ${LAYOUT.version}): start that version`,
  );
}

function parseLayout(path: string, text: string): { readonly version: number; readonly release: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw broken(path, cause);
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || typeof value.version !== 'number') {
    throw broken(path);
  }
  const release = 'release' in value && typeof value.release === 'string' ? value.release : 'of a later date';
  return { version: value.version, release };
}

function broken(path: string, cause?: unknown): DaemonError {
  return new DaemonError(
    'data-loss',
    `${path} is no layout version file: put it back, or remove it if this root is wharfd's`,
    {
      cause,
    },
  );
}
