import type { Descriptor } from '../../spec/descriptor.js';
import { kindOfMedia, type MediaKind } from '../../spec/media-types.js';

/**
 * Stages of one row, in order; of a push uploading and uploaded, or exists, come in the place of those of a download. The row of the name: resolving, resolved, saved. A row of a descriptor: waiting; downloading; downloaded,
 * or exists where the bytes were there; for a layer then unpacking, unpacked. The
 * row without a name, of an archive: importing, imported; exporting, exported.
 */
export type TransferState =
  | 'resolving'
  | 'resolved'
  | 'waiting'
  | 'downloading'
  | 'downloaded'
  | 'uploading'
  | 'uploaded'
  | 'exists'
  | 'unpacking'
  | 'unpacked'
  | 'saved'
  | 'importing'
  | 'imported'
  | 'exporting'
  | 'exported';

/** Where one row stands. The first report of `downloading` has the offset that an earlier attempt came to: what is above it is fresh. */
export interface TransferProgress {
  /** The name, or the key of the descriptor's ingest. */
  readonly key: string;
  readonly state: TransferState;
  /** Keys of the rows above this one. */
  readonly parents: readonly string[];
  /** Packed bytes that went through the stage, of `total`. */
  readonly offset: number;
  readonly total: number;
  readonly target?: Descriptor;
  /** Why nothing moves, in one line. */
  readonly waitingFor?: string;
}

export type ProgressSink = (progress: TransferProgress) => void;

const PREFIXES: Readonly<Record<MediaKind, string>> = {
  index: 'index',
  manifest: 'manifest',
  config: 'config',
  layer: 'layer',
  other: 'unknown',
};

/** The ref of a descriptor's ingest, the same for all who fetch it, and the key of its row. */
export function ingestRef({ mediaType, digest }: Descriptor): string {
  return `${PREFIXES[kindOfMedia(mediaType)]}-${digest}`;
}
