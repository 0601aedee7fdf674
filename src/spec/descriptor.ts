import type { Digest } from './digest.js';
import type { Platform } from './platform.js';

/** Media type, digest and size of one blob (OCI image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes, 0 to 2^53-1. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly artifactType?: string;
  /** Where else the bytes lie; never followed unless the configuration allows it. */
  readonly urls?: readonly string[];
}
