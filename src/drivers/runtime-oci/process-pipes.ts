import { fchownSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Teardown } from '../../base/teardown.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Fd } from '../../core/kernel/directory-files.js';
import type { LaunchOrder } from './keeper.js';
import type { StdioTarget } from './stdio-target.js';

/** The three descriptors that a process gets, and our ends of those that are pipes. */
export interface ProcessPipes {
  readonly theirs: readonly [Fd, Fd, Fd];
  readonly stdin: Writable | undefined;
  readonly outputs: readonly [Readable | undefined, Readable | undefined];
}

/**
 * Makes a pipe for every stream that leads somewhere, /dev/null for the others.
 *
 * @param theirs Closes the process's ends, once it has them.
 * @param ours Closes our ends.
 */
export function makePipes(
  descriptors: Descriptors,
  { targets, options }: LaunchOrder,
  { theirs, ours }: { readonly theirs: Teardown; readonly ours: Teardown },
): ProcessPipes {
  const give = (fd: Fd): Fd => {
    theirs.add(() => descriptors.close(fd));
    return fd;
  };
  const keep = (fd: Fd, readable: boolean): Socket => {
    const socket = new Socket({ fd, readable, writable: !readable });
    ours.add(() => void socket.destroy());
    return socket;
  };
  const pipe = () => {
    const ends = descriptors.pipe();
    // So that a process without root may open /dev/stdout anew.
    fchownSync(ends.read, options.ioUid ?? 0, options.ioGid ?? 0);
    return ends;
  };
  const nothing = (): Fd => give(openSync('/dev/null', 'r+'));
  const outlet = (target: StdioTarget): readonly [Fd, Readable | undefined] => {
    if (target.kind === 'null') return [nothing(), undefined];
    const { read, write } = pipe();
    return [give(write), keep(read, true)];
  };
  const inlet = (target: StdioTarget): readonly [Fd, Writable | undefined] => {
    if (target.kind === 'null') return [nothing(), undefined];
    const { read, write } = pipe();
    return [give(read), keep(write, false)];
  };
  const [stdinFd, stdin] = inlet(targets[0]);
  const [stdoutFd, stdout] = outlet(targets[1]);
  // Equal paths: one pipe, so that what the process writes keeps its order.
  const [stderrFd, stderr] = samePath(targets[1], targets[2]) ? [stdoutFd, undefined] : outlet(targets[2]);
  return { theirs: [stdinFd, stdoutFd, stderrFd], stdin, outputs: [stdout, stderr] };
}

function samePath(a: StdioTarget, b: StdioTarget): boolean {
  return a.kind === 'path' && b.kind === 'path' && a.path === b.path;
}
