import type { Socket } from 'node:net';
import { onAbort } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import type { Attachment, AttachWishes } from '../../core/execution/runtime.js';
import { encodeFrame, type Frame, FrameReader, PROTOCOL_VERSION, REPLY, REQUEST, words } from './frames.js';
import { checkReply, connectMonitor, monitorGone, parseState } from './monitor-connection.js';
import type { MonitorInput } from './monitor-input.js';

const HELLO_TAG = 1;
const ATTACH_TAG = 2;
/** All that a monitor keeps of one stream. */
const REPLAY_BYTES = 65_536;

interface OutputChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

/** Flag of ATTACH: cut off rather than waited for. */
const MAY_BE_CUT = 2;

/**
 * Opens a connection of its own for one attached session: the socket's buffers are its only ones, so its reader sets the pace.
 *
 * @throws unavailable: no monitor. failed-precondition: the process has its client's own files, or was never made.
 */
export async function attachToMonitor(dir: string, input: MonitorInput, options: AttachWishes): Promise<Attachment> {
  options.signal?.throwIfAborted();
  const socket = await connectMonitor(dir);
  if (!socket) throw monitorGone();
  socket.on('error', () => undefined); // its reader sees it too
  let left = false;
  const abort = onAbort(options.signal, () => {
    left = true;
    socket.destroy();
  });
  const frames = readFrames(socket);
  const close = async (): Promise<void> => {
    abort[Symbol.dispose]();
    left = true;
    socket.destroy();
    await frames.return(undefined);
  };
  const attach = Buffer.alloc(8);
  attach.writeUInt8(options.mayBeCut ? MAY_BE_CUT : 0, 0);
  attach.writeUInt32BE(options.replay ? REPLAY_BYTES : 0, 4);
  socket.write(encodeFrame(REQUEST.hello, HELLO_TAG, words(PROTOCOL_VERSION, PROTOCOL_VERSION)));
  socket.write(encodeFrame(REQUEST.attach, ATTACH_TAG, attach));
  try {
    const { terminal } = parseState(await answered(frames, HELLO_TAG));
    await answered(frames, ATTACH_TAG);
    const lost = () => (options.mayBeCut && !left ? cutOff() : undefined);
    const output = outputOf(frames, terminal ? 1 : 2, lost);
    return { output, write: (bytes) => input.write(bytes), [Symbol.asyncDispose]: close };
  } catch (cause) {
    await close();
    options.signal?.throwIfAborted();
    throw cause;
  }
}

/** Ends with the socket: also when our own side destroyed it, which its iterator would call an error. */
async function* readFrames(socket: Socket): AsyncGenerator<Frame, undefined> {
  const reader = new FrameReader();
  try {
    for await (const bytes of socket.iterator({ destroyOnReturn: false })) yield* reader.push(bytes as Buffer);
  } catch (cause) {
    if (!socket.destroyed) throw cause;
  }
  return undefined;
}

/** Reads up to the answer to a request; before it only events can come, which another connection tells of. */
async function answered(frames: AsyncGenerator<Frame, undefined>, tag: number): Promise<Frame> {
  for (;;) {
    const next = await frames.next();
    if (next.done) throw monitorGone();
    if (next.value.tag === tag) return checkReply(next.value);
  }
}

/** What an onlooker is told who has kept the process waiting. */
export function cutOff(): DaemonError {
  return new DaemonError(
    'resource-exhausted',
    'the output was read too slowly: cut off, so that the process can go on',
  );
}

/** Ends when each stream has, or with the session. @param lost What to throw when the monitor ended the session. */
async function* outputOf(
  frames: AsyncGenerator<Frame, undefined>,
  streams: number,
  lost: () => DaemonError | undefined,
): AsyncGenerator<OutputChunk, undefined> {
  let open = streams;
  while (open > 0) {
    const next = await frames.next();
    if (next.done) {
      const error = lost();
      if (error) throw error;
      return undefined;
    }
    const { type, stream, payload } = next.value;
    if (type === REPLY.outputEnd) open -= 1;
    if (type === REPLY.output) yield { stream: stream === 2 ? 'stderr' : 'stdout', bytes: payload };
  }
  return undefined;
}
