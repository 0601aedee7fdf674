/**
 * A header of Transfer/Transfer, beyond containerd's API: an import with it takes no name away from another image. containerd's own
 * clients do not send it, and its daemon does not look at it.
 */
export const KEEP_NAMES = 'wharfd-keep-names';
