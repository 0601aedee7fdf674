import type { Container } from '../containers/container-store.js';
import type { OpaqueAny } from '../events/journal.js';

/** Key of the extension that a container made by Run has; its value is JSON. */
export const RUN_EXTENSION = 'io.wharfd.run';
const TYPE_URL = 'wharfd.Run';

/** What Run keeps with a container that it made. */
export interface RunRecord {
  /** Task, container and snapshot go when the process ends. */
  readonly removeOnExit: boolean;
}

/** The extension for a container. */
export function runExtension(record: RunRecord): Readonly<Record<string, OpaqueAny>> {
  return { [RUN_EXTENSION]: { typeUrl: TYPE_URL, value: Buffer.from(JSON.stringify(record)) } };
}

/** What Run noted about a container; undefined for one that it did not make. */
export function runRecordOf(container: Pick<Container, 'extensions'>): RunRecord | undefined {
  const any = container.extensions[RUN_EXTENSION];
  if (any?.typeUrl !== TYPE_URL) return undefined;
  const { removeOnExit } = JSON.parse(Buffer.from(any.value).toString()) as Partial<RunRecord>;
  return { removeOnExit: removeOnExit === true };
}
