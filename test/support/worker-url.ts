/** The daemon's worker file, run from source. */
export const SOURCE_WORKER_URL = new URL('./source-worker.mjs', import.meta.url);
