/** The streams that a process writes to. */
export type StreamName = 'stdout' | 'stderr';
