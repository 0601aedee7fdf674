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
  readonly zero: unknown;
  readonly write: (writer: protobuf.Writer, value: unknown) => void;
  readonly read: (reader: protobuf.Reader) => unknown;
}

const NO_BYTES = Buffer.alloc(0);

const integer = (write: Scalar['write'], read: Scalar['read'], zero: unknown = 0): Scalar => ({
  ...{ wire: WIRE.varint, zero, write, read },
});

const SCALARS: Readonly<Record<ScalarType, Scalar>> = {
  string: {
    wire: WIRE.length,
    zero: '',
    write: (writer, value) => writer.string(String(value)),
    read: (reader) => reader.string(),
  },
  bytes: {
    wire: WIRE.length,
    zero: NO_BYTES,
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
  int64: integer(writeInteger, (reader) => decimalOf(reader, true), '0'),
  uint64: integer(writeInteger, (reader) => decimalOf(reader, false), '0'),
  double: {
    wire: WIRE.fixed64,
    zero: 0,
    write: (writer, value) => writer.double(Number(value)),
    read: (reader) => reader.double(),
  },
};

/** A value of a field, or each of several. */
interface Value {
  readonly wire: Wire;
  /** Where nothing is set; of a message null. */
  readonly zero: unknown;
  /** Where an entry of a map has none. */
  readonly entryZero: () => unknown;
  /** @throws TypeError: it is no such value, said with `of`. */
  readonly write: (writer: protobuf.Writer, value: unknown, of: FieldTable) => void;
  readonly read: (reader: protobuf.Reader, depth: number) => unknown;
}

/** A field, and what is said of it again and again. */
interface Field extends FieldTable {
  readonly value: Value;
  /** Number and form. */
  readonly tag: number;
}

/** A message; fields by their numbers. */
interface Plan {
  readonly fields: readonly Field[];
  readonly byId: ReadonlyMap<number, Field>;
}

const PLANS = new WeakMap<MessageTable, Plan>();
const KEY_TAG = (1 << 3) | WIRE.length;

/**
 * Codecs that read the tables of a schema as they go, in one pass. protobufjs' own copy each message into one of a class of theirs, by
 * functions that are written and compiled for each type: twice the time when all is warm, and some milliseconds for each type at first.
 */
export const plainCodecs: CodecMaker = () => (message) => ({
  encode(value) {
    const writer = protobuf.Writer.create();
    writeMessage(writer, planOf(message), value as Fields);
    const bytes = writer.finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  },
  decode(bytes) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return readMessage(protobuf.Reader.create(buffer), buffer.length, planOf(message), 0);
  },
});

function planOf(table: MessageTable): Plan {
  let plan = PLANS.get(table);
  if (plan === undefined) {
    const fields = table.fields.map(fieldOf);
    plan = { fields, byId: new Map(fields.map((field) => [field.id, field])) };
    PLANS.set(table, plan);
  }
  return plan;
}

function fieldOf(table: FieldTable): Field {
  const value = valueOf(table.type);
  return { ...table, value, tag: (table.id << 3) | (table.map ? WIRE.length : value.wire) };
}

function valueOf(type: FieldType): Value {
  if (type.kind === 'scalar') {
    const { zero, ...scalar } = SCALARS[type.scalar];
    return { ...scalar, zero, entryZero: () => zero };
  }
  return type.kind === 'enum' ? enumOf(type.values) : messageOf(type.message);
}

function enumOf(values: Readonly<Record<string, number>>): Value {
  const names = new Map(
    Object.entries(values)
      .map(([name, number]) => [number, name])
      .reverse() as [number, string][],
  );
  const [zero] = Object.keys(values); // the first name, which is 0 but in proto2
  return {
    ...{ wire: WIRE.varint, zero, entryZero: () => zero },
    write(writer, value, of) {
      const number = typeof value === 'string' ? values[value] : value;
      if (typeof number !== 'number') throw wrong(of, `${JSON.stringify(value)} is none of its names`);
      writer.int32(number);
    },
    read(reader) {
      const number = reader.int32();
      return names.get(number) ?? number;
    },
  };
}

function messageOf(message: () => MessageTable): Value {
  let known: Plan | undefined;
  const plan = () => (known ??= planOf(message()));
  return {
    ...{ wire: WIRE.length, zero: null, entryZero: () => emptyOf(plan()) },
    write(writer, value, of) {
      writer.fork();
      writeMessage(writer, plan(), objectOf(value, of));
      writer.ldelim();
    },
    read: (reader, depth) => readMessage(reader, endOf(reader), plan(), depth + 1),
  };
}

function writeMessage(writer: protobuf.Writer, { fields }: Plan, value: Fields): void {
  for (const field of fields) {
    const content = value[field.name];
    if (content === undefined || content === null) continue;
    if (field.map) writeMap(writer, field, objectOf(content, field));
    else if (field.repeated) writeList(writer, field, content);
    else field.value.write(writer.uint32(field.tag), content, field);
  }
}

function writeMap(writer: protobuf.Writer, field: Field, content: Fields): void {
  const { tag, value } = field;
  for (const key of Object.keys(content)) {
    writer.uint32(tag).fork().uint32(KEY_TAG).string(key);
    value.write(writer.uint32((2 << 3) | value.wire), content[key], field);
    writer.ldelim();
  }
}

function writeList(writer: protobuf.Writer, field: Field, content: unknown): void {
  const { id, tag, value, packed } = field;
  if (!Array.isArray(content)) throw wrong(field, 'array expected');
  if (content.length === 0) return;
  if (!packed || value.wire === WIRE.length) {
    for (const each of content) value.write(writer.uint32(tag), each, field);
    return;
  }
  writer.uint32((id << 3) | WIRE.length).fork();
  for (const each of content) value.write(writer, each, field);
  writer.ldelim();
}

function objectOf(value: unknown, of: FieldTable): Fields {
  if (typeof value === 'object' && value !== null) return value as Fields;
  throw wrong(of, 'object expected');
}

function wrong({ name }: FieldTable, what: string): TypeError {
  return new TypeError(`${name}: ${what}`);
}

function readMessage(reader: protobuf.Reader, end: number, plan: Plan, depth: number): Fields {
  if (depth > DEPTH_MAX) throw new RangeError(`messages lie in one another more than ${DEPTH_MAX} deep`);
  const out = emptyOf(plan);
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = plan.byId.get(tag >>> 3);
    if (field === undefined || !readField(reader, out, field, tag & 7, depth)) reader.skipType(tag & 7);
  }
  if (reader.pos !== end) throw new RangeError('a message ends within a field');
  return out;
}

/** What a message has where nothing is set. Of fields of which one at most is set, nothing is there. */
function emptyOf({ fields }: Plan): Fields {
  const out: Fields = {};
  for (const field of fields) {
    if (field.repeated) out[field.name] = [];
    else if (field.map) out[field.name] = {};
    else if (field.oneof === undefined) out[field.name] = field.value.zero;
  }
  return out;
}

/** False where it lies on the wire in a way in which this field does not. */
function readField(reader: protobuf.Reader, out: Fields, field: Field, wire: number, depth: number): boolean {
  const { name, value, repeated, map, oneof } = field;
  if (map) return wire === WIRE.length && readEntry(reader, out[name] as Fields, value, depth);
  if (repeated && value.wire !== WIRE.length && wire === WIRE.length) {
    const end = endOf(reader);
    while (reader.pos < end) (out[name] as unknown[]).push(value.read(reader, depth));
    return true;
  }
  if (wire !== value.wire) return false;
  if (repeated) (out[name] as unknown[]).push(value.read(reader, depth));
  else {
    out[name] = value.read(reader, depth);
    if (oneof !== undefined) out[oneof] = name;
  }
  return true;
}

function readEntry(reader: protobuf.Reader, map: Fields, type: Value, depth: number): true {
  const end = endOf(reader);
  let key = '';
  let value: unknown;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === KEY_TAG) key = reader.string();
    else if (tag === ((2 << 3) | type.wire)) value = type.read(reader, depth);
    else reader.skipType(tag & 7);
  }
  value ??= type.entryZero();
  // A key `__proto__` is one like others.
  if (key === '__proto__')
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  else map[key] = value;
  return true;
}

/** Reads a length. @returns Where what has it ends. */
function endOf(reader: protobuf.Reader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError(`index out of range: ${reader.pos} + ${length} > ${reader.len}`);
  return end;
}

const SMALL = /^\d{1,9}$/;

/** Decimal text or a number, as protobufjs' writer takes 64 bits without a class for them. */
function writeInteger(writer: protobuf.Writer, value: unknown): void {
  if (SMALL.test(value as string)) {
    writer.uint32(Number(value)); // the same bytes
    return;
  }
  const bits = BigInt.asUintN(64, BigInt(value as string));
  const halves = { low: Number(bits & 0xffffffffn), high: Number(bits >> 32n), unsigned: true };
  writer.uint64(halves);
}

/** Bytes of a varint whose value a number holds exactly. */
const EXACT_BYTES = 7;

/** Reads a varint of up to 64 bits. */
function decimalOf(reader: protobuf.Reader, signed: boolean): string {
  const { buf, pos, len } = reader;
  let value = 0;
  let unit = 1;
  for (let at = pos; at < len && at < pos + EXACT_BYTES; at++) {
    const byte = buf[at] ?? 0;
    value += (byte & 0x7f) * unit;
    unit *= 0x80;
    if (byte < 0x80) {
      reader.pos = at + 1;
      return String(value);
    }
  }
  const bits = readVarint(reader);
  return (signed ? BigInt.asIntN(64, bits) : bits).toString();
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
