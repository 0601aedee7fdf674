import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../base/errors.js';

/** The files of one cgroup directory. A file that is not there, or that the kernel refuses to read, is empty. */
export class CgroupFiles {
  readonly #dir: string | undefined;

  /** @param dir Undefined where the controller is not mounted. */
  constructor(dir: string | undefined) {
    this.#dir = dir;
  }

  async text(name: string): Promise<string> {
    if (this.#dir === undefined) return '';
    try {
      return (await readFile(join(this.#dir, name), 'utf8')).trim();
    } catch (cause) {
      // ENODEV: the cgroup went while it was read; EOPNOTSUPP: this kernel does not count it.
      for (const errno of ['ENOENT', 'ENOTDIR', 'ENODEV', 'EOPNOTSUPP', 'EINVAL']) if (isErrno(cause, errno)) return '';
      throw cause;
    }
  }

  /** One number as decimal text; '0' for none, and for `max`, which is no limit. */
  async number(name: string): Promise<string> {
    return decimal(await this.text(name));
  }

  /** Lines of a name and a number. */
  async table(name: string): Promise<ReadonlyMap<string, string>> {
    const rows = (await this.text(name)).split('\n').map((line) => line.split(' '));
    return new Map(rows.map(([key = '', value = '']) => [key, decimal(value)]));
  }
}

/** A number of a cgroup file as decimal text; '0' for what is none. */
export function decimal(text: string): string {
  return /^\d+$/.test(text) ? text : '0';
}

/** Fields of the same names as the rows of a table. */
export function pick(table: ReadonlyMap<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, table.get(name) ?? '0']));
}
