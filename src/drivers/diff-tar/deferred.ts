import type { Deferred } from '../../core/diff/applier.js';
import type { DirNode } from './dir-node.js';
import { pathIn } from './dir-tree.js';
import { rawBytes } from './entry-path.js';
import { isStandIn } from './stand-in-files.js';

/** Notes what is left to do about a directory and what lies in it. `hidden`: nothing of lower layers shows in the directory's place. */
export function noteDeferred(node: DirNode, hidden: boolean, deferred: Deferred[]): void {
  if (!hidden) noteDirectory(node, deferred);
  noteContent(node, deferred);
}

function noteDirectory(node: DirNode, deferred: Deferred[]): void {
  if (node.parent === undefined) {
    if (node.origin !== 'entry') deferred.push({ kind: 'root' });
    if (node.opaque) deferred.push({ kind: 'opaque-root' });
  } else if (isStandIn(node)) {
    deferred.push({ kind: 'parent', path: rawBytes(node.path), needed: node.needed });
  }
}

function noteContent(node: DirNode, deferred: Deferred[]): void {
  for (const name of node.deleted ?? []) deferred.push({ kind: 'whiteout', path: rawBytes(pathIn(node, name)) });
  for (const [name, { target, own }] of node.pendingLinks ?? []) {
    const path = rawBytes(pathIn(node, name));
    deferred.push({ kind: 'hardlink', path, target: rawBytes(target), own: own.map(rawBytes) });
  }
}
