import Long from 'long';
import protobuf from 'protobufjs/light.js';
import type { FlatMessage, FlatSchema } from '../../src/rpc/flat-schema.js';
import type { Codec, CodecMaker } from '../../src/rpc/schema.js';

// In a bundle protobufjs finds no `long` by itself, and would read 64-bit integers as inexact numbers.
protobuf.util.Long = Long;
protobuf.configure();

const CONVERSION: protobuf.IConversionOptions = { longs: String, enums: String, defaults: true, oneofs: true };

/**
 * The codecs of protobufjs itself, as what ours are compared with. It writes them as JavaScript, each when it is first used.
 */
export const compiledCodecs: CodecMaker = (flat) => {
  const types = new CompiledTypes(flat);
  return ({ fullName }) => codecOf(types.get(fullName));
};

/** The types that were asked for, with what they refer to. */
class CompiledTypes {
  readonly #flat: FlatSchema;
  readonly #root = new protobuf.Root();
  readonly #taken = new Set<string>();

  constructor(flat: FlatSchema) {
    this.#flat = flat;
  }

  get(name: string): protobuf.Type {
    this.#take(name);
    this.#root.resolveAll();
    return this.#root.lookupType(name);
  }

  /** Adds a message or enum, and all that its fields refer to. One inside a message comes with the outermost. */
  #take(name: string): void {
    const json = this.#flat.types.get(name);
    if (!json) {
      const parent = name.slice(0, Math.max(0, name.lastIndexOf('.')));
      if (parent !== '') this.#take(parent);
      return;
    }
    if (this.#taken.has(name)) return;
    this.#taken.add(name);
    const at = name.lastIndexOf('.');
    const simple = name.slice(at + 1);
    const namespace = this.#root.define(name.slice(0, at));
    if ('values' in json) namespace.add(protobuf.Enum.fromJSON(simple, json));
    else namespace.add(protobuf.Type.fromJSON(simple, json as protobuf.IType));
    for (const reference of referencesOf(json)) this.#take(reference);
  }
}

/** Full names of the messages and enums in a message's fields, at any depth. */
function* referencesOf(object: object): Iterable<string> {
  const { fields = {}, nested = {} } = object as Partial<FlatMessage>;
  for (const { type } of Object.values(fields)) if (type.startsWith('.')) yield type.slice(1);
  for (const inner of Object.values(nested)) yield* referencesOf(inner);
}

function codecOf(type: protobuf.Type): Codec {
  return {
    encode: (value) => bufferOf(type.encode(type.fromObject(value)).finish()),
    decode: (bytes) => type.toObject(type.decode(bytes), CONVERSION),
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
