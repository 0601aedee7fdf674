import { ProgressFeed } from '../core/transfer/progress-feed.js';
import type { ProgressSink, TransferProgress, TransferState } from '../core/transfer/progress.js';
import { fromInteger } from '../rpc/int64.js';
import type { Outgoing } from '../rpc/handlers.js';
import { messages } from '../rpc/whole.js';
import { toWireDescriptor } from './descriptors.js';
import type { ClientStream } from './stream-registry.js';

/** The words that containerd's clients know for the stages. */
const EVENTS: Readonly<Record<TransferState, string>> = {
  resolving: 'resolving',
  resolved: 'resolved',
  waiting: 'waiting',
  downloading: 'downloading',
  downloaded: 'complete',
  uploading: 'uploading',
  uploaded: 'complete',
  exists: 'already exists',
  unpacking: 'extracting',
  unpacked: 'extracted',
  saved: 'saved',
  importing: 'Importing',
  imported: 'Completed import',
  exporting: 'Exporting',
  exported: 'Completed export',
};

/** Reports of one transfer on their way to a client. Disposing sends what is left and closes the stream. */
export interface SentProgress extends AsyncDisposable {
  readonly push: ProgressSink;
}

/** Sends progress over `stream`, no faster than the client takes it; a client that has gone is no fault of the transfer. */
export function sendProgress(stream: ClientStream | undefined): SentProgress {
  const feed = new ProgressFeed();
  const sending = stream === undefined ? Promise.resolve() : sendAll(feed, stream);
  return {
    push: stream === undefined ? () => undefined : feed.push,
    async [Symbol.asyncDispose]() {
      feed.end();
      await sending;
      stream?.close();
    },
  };
}

async function sendAll(feed: ProgressFeed, stream: ClientStream): Promise<void> {
  try {
    for await (const progress of feed)
      await stream.send(messages.pack('containerd.types.transfer.Progress', toWireProgress(progress)));
  } catch {
    // The one way to fail is that the client closed its stream, and then nobody is there to be told.
    feed.end();
  }
}

/** A report as containerd's clients read it. */
export function toWireProgress(progress: TransferProgress): Outgoing<'containerd.types.transfer.Progress'> {
  const { key, state, parents, offset, total, target, waitingFor } = progress;
  return {
    event: waitingFor === undefined ? EVENTS[state] : `waiting: ${waitingFor}`,
    name: key,
    parents: [...parents],
    progress: fromInteger(offset),
    total: fromInteger(total),
    desc: target ? toWireDescriptor(target) : null,
  };
}
