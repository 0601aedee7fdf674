import { abortable } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import { Teardown } from '../../base/teardown.js';
import { detailsOf } from './details.js';
import type { TaskProcess } from './task-table.js';
import type { AttachedProcess, AttachOptions } from './tasks.js';

/**
 * Connects a client to the streams of a process.
 *
 * An init that waits for its first client starts once the client is connected; an exec only exists once it starts, and its output
 * waits for the client.
 */
export async function attachTo(
  process: TaskProcess,
  start: () => Promise<unknown>,
  options: AttachOptions,
): Promise<AttachedProcess> {
  const { size, noReplay = false, mayBeCut = false, signal } = options;
  return await Teardown.build(async (down) => {
    const occupied = down.own(process.occupy());
    const waits = process.record.state === 'created' && detailsOf(process.record).startOnAttach === true;
    const isExec = process.execId !== '';
    if (waits && isExec) await start();
    const { handle } = process;
    if (!handle) throw new DaemonError('failed-precondition', notAttachable(process));
    const { terminal } = process.record;
    if (terminal && size && process.record.state !== 'stopped') await handle.resize(size.columns, size.rows);
    const attachment = down.own(await handle.attach({ replay: !noReplay, mayBeCut, ...(signal && { signal }) }));
    if (waits && !isExec) await start();
    return {
      terminal,
      output: attachment.output,
      write: (bytes) => attachment.write(bytes),
      closeStdin: () => handle.closeStdin(),
      resize: ({ columns, rows }) => handle.resize(columns, rows),
      finish: async (until) => {
        const exit = await abortable(process.ended.promise, until);
        occupied[Symbol.dispose]();
        if (detailsOf(process.record).removeOnExit) await abortable(process.removed.promise, until);
        return exit;
      },
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}

function notAttachable({ record }: TaskProcess): string {
  const what = record.execId === '' ? `task ${record.containerId}` : `exec ${record.execId} of ${record.containerId}`;
  return record.state === 'created'
    ? `${what} is not started: start it first`
    : `${what} has ended and its streams are gone`;
}
