import { existsSync, watch } from 'node:fs';
import { link, mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { abortable, deferred } from '../../base/abort.js';
import { namesIn } from '../../base/directory.js';
import { isErrno } from '../../base/errors.js';
import { faultPoint } from '../../base/fault-point.js';
import { Teardown } from '../../base/teardown.js';
import type { ContainerLogs, LogGap, LogKey, LogQuery, LogRecord } from '../../core/execution/logs.js';
import { checkIdentifier } from '../../spec/identifier.js';
import { LogRecordReader } from './log-records.js';

type Batch = readonly (LogRecord | LogGap)[];

const CHUNK_BYTES = 65_536;
const NEWLINE = 0x0a;

/** Logs as the monitors write them: `<root>/<namespace>/<container>/output.log`, older files as `output.log.1` and so on. */
export class LogFiles implements ContainerLogs {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** The file that a monitor writes. @throws invalid-argument: names that are none. */
  file(key: LogKey): string {
    return join(this.#folder(key), 'output.log');
  }

  async *read(key: LogKey, query: LogQuery, signal: AbortSignal): AsyncGenerator<Batch, undefined> {
    await using down = new Teardown();
    const path = this.file(key);
    const { followUntil } = query;
    const changes = followUntil && down.own(new Changes(dirname(path), followUntil));
    const { files, take } = await beginning(await newerThan(path, undefined, down), query);
    for (let queue = files; ;) {
      signal.throwIfAborted();
      // Asked before looking, so that nothing falls between the two.
      const over = changes?.over ?? true;
      const change = changes?.next();
      for await (const bytes of restOf(queue)) yield take(bytes);
      const last = queue.slice(-1);
      const newer = await newerThan(path, last[0], down);
      // What came into the old one before it was renamed.
      if (newer.length > 0) for await (const bytes of restOf(last)) yield take(bytes);
      else if (over) return undefined;
      else await abortable(change ?? Promise.resolve(), signal);
      const next = newer.length > 0 ? newer : last;
      await closeAll(queue.filter((file) => !next.includes(file)));
      queue = next;
    }
  }

  async share(from: LogKey, to: LogKey): Promise<void> {
    const [source, target] = [this.#folder(from), this.#folder(to)];
    const names = await namesIn(source);
    if (names.length === 0) return;
    // What lies there is of a container that is gone.
    await rm(target, { recursive: true, force: true });
    await mkdir(target, { recursive: true, mode: 0o700 });
    for (const name of names) await link(join(source, name), join(target, name));
  }

  async remove(key: LogKey): Promise<void> {
    const folder = this.#folder(key);
    if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
    faultPoint('the log of a container is removed');
  }

  async list(): Promise<readonly LogKey[]> {
    const keys: LogKey[] = [];
    for (const namespace of await namesIn(this.#root)) {
      for (const containerId of await namesIn(join(this.#root, namespace))) keys.push({ namespace, containerId });
    }
    return keys;
  }

  #folder({ namespace, containerId }: LogKey): string {
    return join(this.#root, checkIdentifier(namespace, 'namespace'), checkIdentifier(containerId, 'container id'));
  }
}

/** One file of a log, read on from where it was. */
class LogFile {
  readonly inode: bigint;
  readonly #handle: FileHandle;
  #at = 0;

  constructor(handle: FileHandle, inode: bigint) {
    this.#handle = handle;
    this.inode = inode;
  }

  /** What has come since the last time. */
  async *rest(): AsyncGenerator<Buffer, undefined> {
    for (;;) {
      const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, this.#at);
      if (bytesRead === 0) return undefined;
      this.#at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  rewind(): void {
    this.#at = 0;
  }

  /** May be called again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** Tells of changes in a log's folder, and of the end of its writer. */
class Changes implements Disposable {
  over = false;
  #changed = deferred<undefined>();
  readonly #watcher: ReturnType<typeof watch> | undefined;

  constructor(folder: string, end: Promise<unknown>) {
    try {
      this.#watcher = watch(folder, () => {
        this.#tell();
      });
      this.#watcher.on('error', () => undefined);
    } catch (cause) {
      nothingIfMissing(cause);
    }
    const ended = () => {
      // Once more is read what came before the end.
      this.over = true;
      this.#tell();
    };
    end.then(ended, ended);
  }

  /** Settles at the next change after this call; at once when the writer has ended. */
  next(): Promise<undefined> {
    return this.over ? Promise.resolve(undefined) : this.#changed.promise;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }

  #tell(): void {
    this.#changed.resolve(undefined);
    this.#changed = deferred();
  }
}

async function* restOf(files: readonly LogFile[]): AsyncGenerator<Buffer, undefined> {
  for (const file of files) yield* file.rest();
}

/** The files that are to be read, and what makes records of their bytes. */
async function beginning(
  files: readonly LogFile[],
  query: LogQuery,
): Promise<{ readonly files: readonly LogFile[]; readonly take: (bytes: Buffer) => Batch }> {
  const { tail, since } = query;
  const from = tail === undefined ? { file: 0, lines: 0 } : await tailOf(files, query, tail);
  const pick = picker(query, from.lines);
  const reader = new LogRecordReader(tail === undefined && since === undefined ? 0 : undefined);
  return { files: files.slice(from.file), take: (bytes) => pick(reader.push(bytes)) };
}

/** Lets through what fits, but for the first `skip` lines of it. */
function picker(query: LogQuery, skip: number): (batch: Batch) => Batch {
  return (batch) => {
    const wanted = batch.filter((record) => fits(record, query));
    while (skip > 0 && wanted.length > 0) if (endsLine(wanted.shift())) skip -= 1;
    return wanted;
  };
}

async function closeAll(files: readonly LogFile[]): Promise<void> {
  for (const file of files) await file[Symbol.asyncDispose]();
}

async function openFile(path: string): Promise<LogFile | undefined> {
  const handle = await open(path, 'r').catch(nothingIfMissing);
  if (!handle) return undefined;
  const { ino } = await handle.stat({ bigint: true });
  return new LogFile(handle, ino);
}

/**
 * Files newer than `known`, the oldest of them first; all that there are when it is gone. The one that is written is opened first, so that
 * it is either among them or comes later.
 */
async function newerThan(path: string, known: LogFile | undefined, down: Teardown): Promise<LogFile[]> {
  const written = await openFile(path);
  const isKnown = (file: LogFile | undefined) => file !== undefined && file.inode === known?.inode;
  const found: LogFile[] = [];
  for (const name of isKnown(written) ? [] : (await fullFiles(path)).reverse()) {
    const file = await openFile(`${path}${name}`);
    if (file && !isKnown(file)) found.push(down.own(file));
    else await file?.[Symbol.asyncDispose]();
    if (isKnown(file)) break;
  }
  // It may have been full by the time of the look around.
  const listed = isKnown(written) || found.some(({ inode }) => inode === written?.inode);
  if (listed) await written?.[Symbol.asyncDispose]();
  else if (written) found.unshift(down.own(written));
  return found.reverse();
}

/** Endings of the full files' names, in the order of their age. */
async function fullFiles(path: string): Promise<string[]> {
  const names = (await namesIn(dirname(path))).filter((name) => name.startsWith(`${basename(path)}.`));
  const numbers = names.map((name) => Number(name.slice(basename(path).length + 1))).filter(Number.isInteger);
  return numbers.sort((a, b) => a - b).map((number) => `.${number}`);
}

/** Where the last `tail` lines begin: in which file, after how many lines that fit. A line without its end counts too. */
async function tailOf(
  files: readonly LogFile[],
  query: LogQuery,
  tail: number,
): Promise<{ readonly file: number; readonly lines: number }> {
  let lines = 0;
  for (let at = files.length - 1; at >= 0; at--) {
    const file = files[at];
    if (!file) break;
    const reader = new LogRecordReader(undefined);
    let open = false;
    for await (const bytes of file.rest()) {
      for (const record of reader.push(bytes)) {
        if (!fits(record, query)) continue;
        open = !endsLine(record);
        if (!open) lines += 1;
      }
    }
    if (open && at === files.length - 1) lines += 1;
    file.rewind();
    if (lines >= tail) return { file: at, lines: lines - tail };
  }
  return { file: 0, lines: 0 };
}

function endsLine(record: LogRecord | LogGap | undefined): boolean {
  return record !== undefined && 'bytes' in record && record.bytes.at(-1) === NEWLINE;
}

/** Times are texts of one form, so they compare as texts. Gaps count where everything is asked for. */
function fits(record: LogRecord | LogGap, { since, until, tail }: LogQuery): boolean {
  if (!('bytes' in record)) return tail === undefined && since === undefined;
  return (since === undefined || record.time >= since) && (until === undefined || record.time < until);
}

function nothingIfMissing(cause: unknown): undefined {
  if (!isErrno(cause, 'ENOENT')) throw cause;
  return undefined;
}
