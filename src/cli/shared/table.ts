const GAP = '  ';

/** Rows as columns padded by spaces, the last one not padded; a newline after each row. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, printable(cell).length);
  }
  return rows.map((row) => `${formatRow(row, widths)}\n`).join('');
}

function formatRow(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, at) => (at === row.length - 1 ? printable(cell) : printable(cell).padEnd(widths[at] ?? 0)))
    .join(GAP)
    .trimEnd();
}

function printable(cell: string): string {
  // eslint-disable-next-line no-control-regex -- names come from images and clients; they must not drive the terminal
  return cell.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
