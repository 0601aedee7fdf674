import { platformOfNode, type Platform } from '../spec/platform.js';

/** The daemon's own: the client is on its machine, since the socket is a file. */
export const HOST_PLATFORM: Platform = platformOfNode(process.arch);

/** A platform as the daemon reads it. */
export function toWirePlatform({ os, architecture, variant = '' }: Platform) {
  return { os, architecture, variant };
}
