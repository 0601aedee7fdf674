import type { PathChange } from '../../client/changes.js';
import type { Out } from './out.js';

const LETTERS: Readonly<Record<PathChange['kind'], string>> = {
  added: 'A',
  modified: 'C',
  replaced: 'C',
  deleted: 'D',
};

/** Prints a line for each change but that of the root itself, as it comes. */
export async function listChanges(changes: AsyncIterable<PathChange>, out: Out): Promise<void> {
  for await (const { kind, path } of changes) if (path.length > 1) out.line(`${LETTERS[kind]} ${shown(path)}`);
}

/** One line each, whatever a name has in it. */
function shown(path: Buffer): string {
  return path
    .toString('utf8')
    .replaceAll(/[\p{Cc}\\]/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
