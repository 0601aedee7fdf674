import type { Deferred } from '../../core/diff/applier.js';
import type { DirNode } from './dir-node.js';
import { pathIn } from './dir-tree.js';
import { rawBytes } from './entry-path.js';

/** Notes what is left to do about a directory and what lies in it. `hidden`: nothing of lower layers shows in the directory's place. */
export function noteDeferred(node: DirNode, hidden: boolean, deferred: Deferred[]): void {
  if (node.parent === undefined) noteRoot(node, deferred);
  else if (node.standsIn) {
    const path = rawBytes(node.path);
    const isLeft = !hidden && node.origin === 'invented' && !node.severed;
    deferred.push(isLeft ? { kind: 'parent', path, needed: node.needed } : { kind: 'passed', path });
  }
  for (const name of node.deleted ?? []) deferred.push({ kind: 'whiteout', path: rawBytes(pathIn(node, name)) });
  for (const [name, target] of node.pendingLinks ?? []) {
    deferred.push({ kind: 'hardlink', path: rawBytes(pathIn(node, name)), target: rawBytes(target) });
  }
}

/** Notes what is left to do about the root alone. */
export function noteRoot(root: DirNode, deferred: Deferred[]): void {
  if (root.origin !== 'entry') deferred.push({ kind: 'root' });
  if (root.opaque) deferred.push({ kind: 'opaque-root' });
}
