import { markUnreachable, type Marked } from '../../core/gc/unreachable.js';
import { openView } from './database.js';
import { readObjects } from './objects.js';

/** So many objects are marked in some ten milliseconds. */
export const MARKED_AT_ONCE = 2000;

/** Finds what nothing needs, on a view of the database that a worker thread opens. */
export interface MarkTask {
  readonly kind: 'mark-unreachable';
  /** The database file. */
  readonly path: string;
  /** Ingests that are being written, by namespace and ref. */
  readonly writers: readonly string[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** Does the task. To be called in a worker: it takes a second for 100,000 objects. */
export function markOnView({ path, writers, nowMs }: MarkTask): Marked {
  using view = openView(path);
  return markUnreachable(readObjects(view, new Set(writers)), nowMs);
}
