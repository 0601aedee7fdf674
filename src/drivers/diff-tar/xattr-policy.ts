import type { TarEntryType } from './tar-entry.js';

/** POSIX default ACL of a directory: inherited by all that is made in it. */
export const DEFAULT_ACL = 'system.posix_acl_default';

/**
 * Whether a layer may set an extended attribute: `user.*`, file capabilities and POSIX ACLs. All others are left out without
 * an error, above all those by which overlayfs keeps its state (`trusted.overlay.*`, `user.overlay.*`) and labels that
 * belong to the host's security modules.
 */
export function isXattrAllowed(name: string, type: TarEntryType): boolean {
  if (name.startsWith('user.')) {
    return !name.startsWith('user.overlay.') && (type === 'file' || type === 'directory');
  }
  if (name === 'system.posix_acl_access') return type !== 'symlink';
  if (name === DEFAULT_ACL) return type === 'directory';
  return name === 'security.capability' && type === 'file';
}
