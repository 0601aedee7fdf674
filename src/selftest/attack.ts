import type { ErrorKind } from '../base/errors.js';
import type { ApplyLimits } from '../core/diff/applier.js';
import type { Digest } from '../spec/digest.js';
import type { Guard } from './guards.js';

/** A layer made to do harm. */
export interface LayerAttack {
  /** Class of attacks that it belongs to: S1 to S14. */
  readonly row: string;
  /** What it tries, in a few words; no two of a row have the same. */
  readonly name: string;
  /** What stops it. */
  readonly guard: Guard;
  /** The layer as a registry would give it; large ones are made when their turn comes. */
  readonly layer: Buffer | (() => Buffer);
  /** That of an uncompressed tar when missing. */
  readonly mediaType?: string;
  /** What the image's config promises; when missing, the truth. */
  readonly diffId?: Digest;
  /** Kind of the error that stops it; undefined where it is applied and must stay without effect outside. */
  readonly refused?: ErrorKind;
  /** Paths, latin1 of their bytes, that have to be there afterwards; a path that begins with `!` must not be. */
  readonly leaves?: readonly string[];
  /** Modes of paths that have to be there. */
  readonly modes?: Readonly<Record<string, number>>;
  /** Other bounds than those of the test. */
  readonly limits?: Partial<ApplyLimits>;
  /** It is to be stopped while it is at work. */
  readonly cancelled?: boolean;
  /** A layer that is applied to the same directory before, as the one below is. */
  readonly before?: Buffer;
}

/** Where the attacks are aimed. */
export interface Target {
  /** Absolute path of a directory `canary` with files `secret`, `new` and `below/file`, beside that of the layer. */
  readonly canary: string;
}
