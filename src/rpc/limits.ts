/** Messages may have up to 16 MiB, either way: what containerd's clients accept. */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
