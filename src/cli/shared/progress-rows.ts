/** How far one job of a pull is; its key is the reference, or `layer-<digest>` and the like. */
export interface ProgressRow {
  readonly key: string;
  readonly status: 'resolving' | 'resolved' | 'waiting' | 'downloading' | 'uploading' | 'unpacking' | 'done' | 'exists';
  /** Bytes done of `total`; 0 where the total is not known. */
  readonly offset: number;
  readonly total: number;
  /** What it waits for, when it waits. */
  readonly note?: string;
}

/** containerd's words for the stages of a transfer, in ours. */
const STATUS_OF: Readonly<Record<string, ProgressRow['status']>> = {
  resolving: 'resolving',
  resolved: 'resolved',
  waiting: 'waiting',
  downloading: 'downloading',
  uploading: 'uploading',
  complete: 'done',
  'already exists': 'exists',
  extracting: 'unpacking',
  extracted: 'done',
  saved: 'done',
};

/** A report of a transfer as a row; an event that we don't know means that it goes on. */
export function rowOf(report: {
  readonly key: string;
  readonly event: string;
  readonly offset: number;
  readonly total: number;
}): ProgressRow {
  const { key, event, offset, total } = report;
  const reason = /^waiting: (.*)$/s.exec(event)?.[1];
  const status = reason === undefined ? (STATUS_OF[event] ?? 'downloading') : 'waiting';
  return { key, status, offset, total, ...(reason === undefined ? {} : { note: reason }) };
}

/** The jobs of one pull as last heard, in the order in which they came up. */
export class ProgressRows {
  readonly #rows = new Map<string, ProgressRow>();
  readonly #firstOffsets = new Map<string, number>();
  readonly #highest = new Map<string, number>();

  /** Takes in news; says whether the status of that job is another one than before. */
  update(row: ProgressRow): boolean {
    const before = this.#rows.get(row.key);
    this.#rows.set(row.key, row);
    if (row.status === 'downloading' || row.status === 'uploading') {
      if (!this.#firstOffsets.has(row.key)) this.#firstOffsets.set(row.key, row.offset);
      this.#highest.set(row.key, Math.max(row.offset, this.#highest.get(row.key) ?? 0));
    }
    return before?.status !== row.status || before.note !== row.note;
  }

  /** All rows, first seen first. */
  all(): readonly ProgressRow[] {
    return [...this.#rows.values()];
  }

  /** At most `count` rows: when there are more, those that are finished give way, the earliest first. */
  visible(count: number): readonly ProgressRow[] {
    const rows = this.all();
    let surplus = rows.length - count;
    return rows.filter((row) => surplus <= 0 || !isFinished(row) || surplus-- <= 0).slice(0, Math.max(0, count));
  }

  /** Bytes of all jobs, done before or now. */
  totalBytes(): number {
    let sum = 0;
    for (const row of this.#rows.values())
      sum += isFinished(row) || row.status === 'unpacking' ? row.total : row.offset;
    return sum;
  }

  /** Bytes that came over the wire while we looked: what was there before a resume does not count. */
  freshBytes(): number {
    let sum = 0;
    for (const [key, highest] of this.#highest) sum += highest - (this.#firstOffsets.get(key) ?? 0);
    return sum;
  }
}

function isFinished(row: ProgressRow): boolean {
  return row.status === 'done' || row.status === 'exists' || row.status === 'resolved';
}
