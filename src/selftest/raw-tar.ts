/** A member written byte by byte, for archives that no library would make. */
export interface RawEntry {
  /** Bytes; text is taken as UTF-8. Cut to the 100 bytes of the field. */
  readonly name: string | Uint8Array;
  /** Type flag; default `0`. */
  readonly type?: string;
  readonly link?: string | Uint8Array;
  /** Numbers are written in octal; bytes as they are. */
  readonly mode?: number | Uint8Array;
  readonly uid?: number | Uint8Array;
  readonly gid?: number | Uint8Array;
  readonly size?: number | Uint8Array;
  readonly mtime?: number | Uint8Array;
  readonly major?: number | Uint8Array;
  readonly minor?: number | Uint8Array;
  readonly prefix?: string | Uint8Array;
  readonly data?: string | Uint8Array;
  /** The 8 bytes at 257; default ustar. */
  readonly magic?: string;
  /** Written into the header before its checksum, at their offsets. */
  readonly patches?: Readonly<Record<number, Uint8Array>>;
  /** Instead of the right one. */
  readonly checksum?: number;
}

const BLOCK = 512;

const DEFAULTS = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 1_000_000_000,
  type: '0',
  link: '',
  magic: 'ustar\x0000',
} as const;

/** One member: header block, data, padding. */
export function rawEntry(entry: RawEntry): Buffer {
  const data = Buffer.from(entry.data ?? '');
  const fields = { size: data.length, ...DEFAULTS, ...entry };
  const header = Buffer.alloc(BLOCK);
  put(header, 0, 100, fields.name);
  putNumber(header, 100, 8, fields.mode);
  putNumber(header, 108, 8, fields.uid);
  putNumber(header, 116, 8, fields.gid);
  putNumber(header, 124, 12, fields.size);
  putNumber(header, 136, 12, fields.mtime);
  put(header, 156, 1, fields.type);
  put(header, 157, 100, fields.link);
  put(header, 257, 8, fields.magic);
  putNumber(header, 329, 8, fields.major ?? new Uint8Array());
  putNumber(header, 337, 8, fields.minor ?? new Uint8Array());
  put(header, 345, 155, fields.prefix ?? '');
  for (const [at, bytes] of Object.entries(fields.patches ?? {})) Buffer.from(bytes).copy(header, Number(at));
  header.fill(' ', 148, 156);
  const sum = fields.checksum ?? header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, padded(data)]);
}

/** A PAX header for the next member, or all that follow with `type` `g`. */
export function paxEntry(
  records: readonly (readonly [key: string, value: string | Uint8Array])[],
  type: 'x' | 'g' = 'x',
): Buffer {
  return rawEntry({ name: 'pax', type, data: Buffer.concat(records.map(([key, value]) => paxRecord(key, value))) });
}

function paxRecord(key: string, value: string | Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

/** A member, or one that is bytes already. */
export type TarPart = RawEntry | Uint8Array;

/** A whole archive with its end marker. */
export function rawTar(...parts: readonly TarPart[]): Buffer {
  const members = parts.map((part) => (part instanceof Uint8Array ? part : rawEntry(part)));
  return Buffer.concat([...members, Buffer.alloc(2 * BLOCK)]);
}

/** A number as GNU tar writes what does not fit in octal. */
export function base256(value: bigint, bytes: number): Buffer {
  const field = Buffer.alloc(bytes);
  let rest = BigInt.asUintN(8 * bytes, value);
  for (let at = bytes - 1; at >= 0; at -= 1) {
    field[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  field[0] = (field[0] ?? 0) | 0x80;
  return field;
}

/** Octal digits as the fields of a header hold them. */
export function octal(value: number, bytes: number): Buffer {
  return Buffer.from(`${value.toString(8).padStart(bytes - 1, '0')}\0`, 'latin1');
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)]);
}

function put(header: Buffer, at: number, length: number, value: string | Uint8Array): void {
  Buffer.from(value).copy(header, at, 0, length);
}

function putNumber(header: Buffer, at: number, length: number, value: number | Uint8Array): void {
  put(header, at, length, typeof value === 'number' ? octal(value, length) : value);
}
