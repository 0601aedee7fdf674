/** Records at the end of a log that give way to a mark. */
export interface LogCut {
  /** Where the first of them begins, in the tail. */
  readonly at: number;
  /** Bytes of output in them. */
  readonly output: number;
  /** Bytes that marks among them tell of. */
  readonly lost: number;
}

const NEWLINE = 0x0a;

/**
 * The fewest last records that have `room` bytes together (native/monitor/PROTOCOL.md, "The log").
 *
 * @param tail With which the file ends.
 * @param whole The tail is all of it.
 * @returns Undefined where there are none, or the line that the file begins with would be among them.
 */
export function logCut(tail: Buffer, whole: boolean, room: number): LogCut | undefined {
  if (tail.length < room) return undefined;
  const before = tail.length > room ? tail.lastIndexOf(NEWLINE, tail.length - room - 1) : -1;
  if (before < 0 && !whole) return undefined;
  let [output, lost] = [0, 0];
  for (const line of tail.toString('latin1', before + 1).split('\n')) {
    const [, stream, tag, ...words] = line.split(' ');
    if (stream !== 'wharfd') output += tag === undefined ? 0 : words.join(' ').length + (tag === 'F' ? 1 : 0);
    else if (words[0] === 'at') return undefined;
    else if (words[0] === 'lost') lost += Number(words[1]);
  }
  return { at: before + 1, output, lost };
}
