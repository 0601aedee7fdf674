import { canonicalName } from '../../spec/familiar-name.js';
import type { Out } from './out.js';

/** The whole name for what was typed; says which one it is, when it is another. */
export function fullName(typed: string, out: Out): string {
  const name = canonicalName(typed);
  if (name !== typed) out.note(`using ${name}`);
  return name;
}
