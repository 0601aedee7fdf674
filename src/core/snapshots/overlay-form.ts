/**
 * How overlayfs marks a directory that hides what lower layers have in it (Linux, Documentation/filesystems/overlayfs.rst). A
 * deleted name is a character device 0/0.
 */
export const OVERLAY_OPAQUE = { name: 'trusted.overlay.opaque', value: Buffer.from('y') } as const;
