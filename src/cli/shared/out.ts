import type { Io } from './io.js';
import { formatTable } from './table.js';

/** How commands print: results on stdout, all else on stderr. */
export interface Out {
  /** Words of one line on stdout, joined by single spaces. */
  readonly line: (...words: readonly string[]) => void;
  /** Padded columns on stdout; the first row is the heading. */
  readonly table: (rows: readonly (readonly string[])[]) => void;
  /** Bytes on stdout; resolves when more may be written. */
  readonly bytes: (bytes: Uint8Array) => Promise<void>;
  /** A remark on stderr, after the program's name. */
  readonly note: (message: string) => void;
}

/** An Out that writes to `io`. */
export function outOf(program: string, io: Io): Out {
  return {
    line(...words) {
      io.stdout.write(`${words.join(' ')}\n`);
    },
    table(rows) {
      io.stdout.write(formatTable(rows));
    },
    bytes: (bytes) =>
      new Promise((resolve, reject) => {
        io.stdout.write(bytes, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    note(message) {
      io.stderr.write(`${program}: ${oneLine(message)}\n`);
    },
  };
}

/** Control characters from a registry or an image must not drive the user's terminal. */
export function oneLine(text: string): string {
  return (
    text
      .replaceAll(/\s*\n\s*/g, ' ')
      // eslint-disable-next-line no-control-regex -- these are what is to be taken out
      .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?')
  );
}
