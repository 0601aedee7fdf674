import { DaemonError } from '../base/errors.js';
import type { MessageTable } from './flat-schema.js';
import type { Incoming, MessageName, Outgoing } from './handlers.js';
import type { Schema } from './schema.js';
import { isoOfTimestamp, timestampOfIso, type WireTimestamp } from './time.js';

/** A google.protobuf.Any; `value` is kept byte for byte. */
export interface WireAny {
  readonly type_url: string;
  readonly value: Buffer;
}

/** Fields by their names in the .proto, in a form that survives JSON: times as RFC 3339 text, 64-bit integers as decimal text. */
export type PlainFields = Readonly<Record<string, unknown>>;

const TIMESTAMP = 'google.protobuf.Timestamp';

/** Messages on their own, outside of calls: payloads of Any, events, options. */
export interface Messages {
  /** @throws invalid-argument: a field has a value that its type cannot hold. */
  encode<N extends MessageName>(name: N, value: Outgoing<N>): Buffer;
  /** @throws invalid-argument: the bytes are no such message. */
  decode<N extends MessageName>(name: N, bytes: Uint8Array): Incoming<N>;
  /** An Any with the bare full name as type URL, as containerd writes it. */
  pack<N extends MessageName>(name: N, value: Outgoing<N>): WireAny;
  /**
   * The message in an Any that must be of that type.
   *
   * @throws invalid-argument: it is missing, of another type, or broken.
   */
  unpack<N extends MessageName>(name: N, any: WireAny | null | undefined): Incoming<N>;
  /** Encodes a message whose type is known at run time only. @throws unimplemented: the type is not known. */
  encodePlain(name: string, fields: PlainFields): Buffer;
  /** The reverse of `encodePlain`: what prints well as JSON. @throws unimplemented: the type is not known. invalid-argument: broken bytes. */
  decodePlain(name: string, bytes: Uint8Array): PlainFields;
}

const GOOGLE_PREFIX = 'type.googleapis.com/';

/** The message name in a type URL: bare, as containerd writes it, or after the prefix of protobuf's own libraries. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.startsWith(GOOGLE_PREFIX) ? typeUrl.slice(GOOGLE_PREFIX.length) : typeUrl;
}

/** True when the Any holds a message of that type. */
export function isA(any: WireAny | null | undefined, name: MessageName): any is WireAny {
  return any ? typeNameOf(any.type_url) === name : false;
}

/** Messages of one schema. */
export function createMessages(schema: Schema): Messages {
  const encode = (name: string, value: object): Buffer => schema.codec(name).encode(value);
  const decode = <N extends MessageName>(name: N, bytes: Uint8Array) => schema.codec(name).decode(bytes) as Incoming<N>;
  return {
    encode,
    decode,
    pack: (name, value) => ({ type_url: name, value: encode(name, value) }),
    unpack: (name, any) => {
      if (isA(any, name)) return decode(name, any.value);
      throw new DaemonError('invalid-argument', `expected a ${name}, got ${describe(any)}: invalid argument`);
    },
    encodePlain: (name, fields) => encode(name, convert(schema.message(name), fields, textToTimestamp)),
    decodePlain: (name, bytes) => convert(schema.message(name), schema.codec(name).decode(bytes), timestampToText),
  };
}

function describe(any: WireAny | null | undefined): string {
  if (!any) return 'nothing';
  return any.type_url === '' ? 'a message without type' : `a ${any.type_url}`;
}

function textToTimestamp(value: unknown): unknown {
  return typeof value === 'string' ? timestampOfIso(value) : value;
}

function timestampToText(value: unknown): unknown {
  return value ? isoOfTimestamp(value as WireTimestamp) : value;
}

/** A copy of `value` in which every timestamp, at any depth, went through `onTimestamp`. */
function convert({ fields }: MessageTable, value: object, onTimestamp: (value: unknown) => unknown): PlainFields {
  const out: Record<string, unknown> = { ...value };
  for (const { name, type, map, repeated } of fields) {
    const content = out[name];
    if (content === undefined || content === null || map || type.kind !== 'message') continue;
    const message = type.message();
    const one = (item: unknown): unknown =>
      message.fullName === TIMESTAMP ? onTimestamp(item) : convert(message, item as object, onTimestamp);
    out[name] = repeated ? (content as unknown[]).map(one) : one(content);
  }
  return out;
}
