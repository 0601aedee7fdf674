import protobuf from 'protobufjs/minimal.js';
import type { FieldTable, FieldType, MessageTable, ScalarType } from './flat-schema.js';
import type { CodecMaker } from './schema.js';

type Fields = Record<string, unknown>;

/** How a field lies on the wire (https://protobuf.dev/programming-guides/encoding/). */
const WIRE = { varint: 0, fixed64: 1, length: 2 } as const;
type Wire = (typeof WIRE)[keyof typeof WIRE];

/** Messages inside of messages. */
const DEPTH_MAX = 100;

interface Scalar {
  readonly wire: Wire;
  readonly zero: () => unknown;
  readonly write: (writer: protobuf.Writer, value: unknown) => void;
  readonly read: (reader: protobuf.Reader) => unknown;
}

const integer = (write: Scalar['write'], read: Scalar['read'], zero: unknown = 0): Scalar => ({
  ...{ wire: WIRE.varint, zero: () => zero, write, read },
});

const SCALARS: Readonly<Record<ScalarType, Scalar>> = {
  string: {
    wire: WIRE.length,
    zero: () => '',
    write: (writer, value) => writer.string(String(value)),
    read: (reader) => reader.string(),
  },
  bytes: {
    wire: WIRE.length,
    zero: () => Buffer.alloc(0),
    write: (writer, value) => writer.bytes(value as Uint8Array),
    read: (reader) => reader.bytes(),
  },
  bool: integer(
    (writer, value) => writer.bool(Boolean(value)),
    (reader) => reader.bool(),
    false,
  ),
  int32: integer(
    (writer, value) => writer.int32(Number(value) | 0),
    (reader) => reader.int32(),
  ),
  uint32: integer(
    (writer, value) => writer.uint32(Number(value) >>> 0),
    (reader) => reader.uint32(),
  ),
  int64: integer(writeInteger, (reader) => BigInt.asIntN(64, readVarint(reader)).toString(), '0'),
  uint64: integer(writeInteger, (reader) => readVarint(reader).toString(), '0'),
  double: {
    wire: WIRE.fixed64,
    zero: () => 0,
    write: (writer, value) => writer.double(Number(value)),
    read: (reader) => reader.double(),
  },
};

/**
 * Codecs that read the tables of a schema as they go. They are there at once, where protobufjs first writes a program for each message and has
 * it compiled: 12 of the milliseconds of a `ctr run`. For whoever says little.
 */
export const plainCodecs: CodecMaker = () => (message) => ({
  encode(value) {
    const writer = protobuf.Writer.create();
    writeMessage(writer, message, value as Fields);
    const bytes = writer.finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  },
  decode(bytes) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return readMessage(protobuf.Reader.create(buffer), buffer.length, message, 0);
  },
});

function writeMessage(writer: protobuf.Writer, { fields, fullName }: MessageTable, value: Fields): void {
  for (const field of fields) {
    const content = value[field.name];
    if (content === undefined || content === null) continue;
    const path = `${fullName}.${field.name}`;
    if (field.map) writeMap(writer, field, objectOf(content, path), path);
    else if (field.repeated) writeList(writer, field, content, path);
    else writeField(writer, field.id, field.type, content, path);
  }
}

function writeMap(writer: protobuf.Writer, { id, type }: FieldTable, content: Fields, path: string): void {
  for (const [key, value] of Object.entries(content)) {
    writer.uint32((id << 3) | WIRE.length).fork();
    writeField(writer, 1, { kind: 'scalar', scalar: 'string' }, key, path);
    writeField(writer, 2, type, value, path);
    writer.ldelim();
  }
}

function writeList(writer: protobuf.Writer, field: FieldTable, content: unknown, path: string): void {
  const { id, type, packed } = field;
  if (!Array.isArray(content)) throw new TypeError(`${path}: array expected`);
  if (content.length === 0) return;
  if (!packed || wireOf(type) === WIRE.length) {
    for (const each of content) writeField(writer, id, type, each, path);
    return;
  }
  writer.uint32((id << 3) | WIRE.length).fork();
  for (const each of content) writeValue(writer, type, each, path);
  writer.ldelim();
}

function writeField(writer: protobuf.Writer, id: number, type: FieldType, value: unknown, path: string): void {
  writer.uint32((id << 3) | wireOf(type));
  writeValue(writer, type, value, path);
}

function writeValue(writer: protobuf.Writer, type: FieldType, value: unknown, path: string): void {
  if (type.kind === 'scalar') SCALARS[type.scalar].write(writer, value);
  else if (type.kind === 'enum') writer.int32(numberOf(type.values, value, path));
  else {
    writer.fork();
    writeMessage(writer, type.message(), objectOf(value, path));
    writer.ldelim();
  }
}

function objectOf(value: unknown, path: string): Fields {
  if (typeof value === 'object' && value !== null) return value as Fields;
  throw new TypeError(`${path}: object expected`);
}

function numberOf(values: Readonly<Record<string, number>>, value: unknown, path: string): number {
  const number = typeof value === 'string' ? values[value] : value;
  if (typeof number === 'number') return number;
  throw new TypeError(`${path}: ${JSON.stringify(value)} is none of its names`);
}

function wireOf(type: FieldType): Wire {
  if (type.kind === 'message') return WIRE.length;
  return type.kind === 'enum' ? WIRE.varint : SCALARS[type.scalar].wire;
}

function readMessage(reader: protobuf.Reader, end: number, table: MessageTable, depth: number): Fields {
  if (depth > DEPTH_MAX) throw new RangeError(`messages lie in one another more than ${DEPTH_MAX} deep`);
  const out = emptyOf(table);
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = table.byId.get(tag >>> 3);
    if (!field || !readField(reader, out, field, tag & 7, depth)) reader.skipType(tag & 7);
  }
  if (reader.pos !== end) throw new RangeError('a message ends within a field');
  return out;
}

/** What a message has where nothing is set. Of fields of which one at most is set, nothing is there. */
function emptyOf({ fields }: MessageTable): Fields {
  const out: Fields = {};
  for (const field of fields) {
    if (field.repeated) out[field.name] = [];
    else if (field.map) out[field.name] = {};
    else if (field.oneof === undefined) out[field.name] = zeroOf(field.type);
  }
  return out;
}

function zeroOf(type: FieldType): unknown {
  if (type.kind === 'message') return null;
  // The first name, which is 0 but in proto2.
  return type.kind === 'enum' ? Object.keys(type.values)[0] : SCALARS[type.scalar].zero();
}

function nameOf(values: Readonly<Record<string, number>>, number: number): string | number {
  return Object.entries(values).find(([, each]) => each === number)?.[0] ?? number;
}

/** False where it lies on the wire in a way in which this field does not. */
function readField(reader: protobuf.Reader, out: Fields, field: FieldTable, wire: number, depth: number): boolean {
  const { name, type, repeated, map, oneof } = field;
  const own = wireOf(type);
  if (map) return wire === WIRE.length && readEntry(reader, out[name] as Fields, type, depth);
  if (repeated && own !== WIRE.length && wire === WIRE.length) {
    const end = endOf(reader);
    while (reader.pos < end) (out[name] as unknown[]).push(readValue(reader, type, depth));
    return true;
  }
  if (wire !== own) return false;
  const value = readValue(reader, type, depth);
  if (repeated) (out[name] as unknown[]).push(value);
  else {
    out[name] = value;
    if (oneof !== undefined) out[oneof] = name;
  }
  return true;
}

function readEntry(reader: protobuf.Reader, map: Fields, type: FieldType, depth: number): true {
  const end = endOf(reader);
  let key = '';
  let value: unknown;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === ((1 << 3) | WIRE.length)) key = reader.string();
    else if (tag === ((2 << 3) | wireOf(type))) value = readValue(reader, type, depth);
    else reader.skipType(tag & 7);
  }
  value ??= type.kind === 'message' ? emptyOf(type.message()) : zeroOf(type);
  // A key `__proto__` is one like others.
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  return true;
}

function readValue(reader: protobuf.Reader, type: FieldType, depth: number): unknown {
  if (type.kind === 'scalar') return SCALARS[type.scalar].read(reader);
  if (type.kind === 'enum') return nameOf(type.values, reader.int32());
  return readMessage(reader, endOf(reader), type.message(), depth + 1);
}

/** Reads a length. @returns Where what has it ends. */
function endOf(reader: protobuf.Reader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError(`index out of range: ${reader.pos} + ${length} > ${reader.len}`);
  return end;
}

/** Decimal text or a number, as protobufjs' writer takes 64 bits without a class for them. */
function writeInteger(writer: protobuf.Writer, value: unknown): void {
  const bits = BigInt.asUintN(64, BigInt(value as string));
  const halves = { low: Number(bits & 0xffffffffn), high: Number(bits >> 32n), unsigned: true };
  writer.uint64(halves);
}

function readVarint(reader: protobuf.Reader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.pos < reader.len ? (reader.buf[reader.pos] ?? 0) : undefined;
    if (byte === undefined) throw new RangeError(`index out of range: ${reader.pos} + 1 > ${reader.len}`);
    reader.pos += 1;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new RangeError('invalid varint encoding');
}
