import type { Labels } from '../../spec/labels.js';
import type { OpaqueAny } from '../events/journal.js';

/** The stored description of a sandbox: what several containers have in common. */
export interface Sandbox {
  readonly id: string;
  readonly labels: Labels;
  readonly runtime: { readonly name: string; readonly options?: OpaqueAny };
  readonly spec?: OpaqueAny;
  readonly extensions: Readonly<Record<string, OpaqueAny>>;
  /** Which controller it is for; empty for the default. */
  readonly sandboxer: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type SandboxDraft = Omit<Sandbox, 'createdAt' | 'updatedAt'>;

/** Sandboxes of one namespace. */
export interface SandboxStore {
  /** @throws not-found. */
  get(id: string): Promise<Sandbox>;
  /** One consistent view, ordered by id. @param filters Over `id`, `labels`, `runtime.name` and `sandboxer`. */
  list(filters?: readonly string[]): Promise<readonly Sandbox[]>;
  /** @throws already-exists. invalid-argument: no proper id. */
  create(sandbox: SandboxDraft): Promise<Sandbox>;
  /** Labels, extensions, spec and runtime, or those of them that are named. @throws not-found. invalid-argument: another path. */
  update(sandbox: SandboxDraft, fieldPaths?: readonly string[]): Promise<Sandbox>;
  /** @throws not-found. */
  delete(id: string): Promise<void>;
}

/** A sandbox as its controller runs it. Times in milliseconds since 1970. */
export interface SandboxRun {
  readonly id: string;
  readonly state: 'created' | 'ready' | 'stopped';
  readonly startedMs?: number;
  readonly exitedMs?: number;
}

/** What is known of the sandboxes of one namespace that were made; it outlives the daemon. */
export interface SandboxRuns {
  find(id: string): SandboxRun | undefined;
  /** @throws already-exists. */
  create(id: string): SandboxRun;
  /** Journals what the new state means. */
  change(run: SandboxRun): void;
  remove(id: string): void;
}
