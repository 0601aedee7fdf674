import type { Session } from './session.js';

/** Version and revision of the daemon. */
export async function serverVersion(
  session: Session,
  signal?: AbortSignal,
): Promise<{ readonly version: string; readonly revision: string }> {
  return session.service('containerd.services.version.v1.Version').version({}, signal ? { signal } : {});
}
