import Long from 'long';
import protobuf from 'protobufjs/light.js';
import { DaemonError, messageOf } from '../base/errors.js';

// In a bundle protobufjs finds no `long` by itself, and would read 64-bit integers as inexact numbers.
protobuf.util.Long = Long;
protobuf.configure();

/** As proto-loader with keepCase, longs and enums as strings, defaults and oneofs: src/gen is generated for these. */
const CONVERSION: protobuf.IConversionOptions = { longs: String, enums: String, defaults: true, oneofs: true };

/** Turns one message type into bytes and back. */
export interface Codec {
  /** @throws invalid-argument: a field has a value that its type cannot hold. */
  readonly encode: (value: object) => Buffer;
  /** @throws invalid-argument: the bytes are no such message. */
  readonly decode: (bytes: Uint8Array) => object;
}

/** A method as the wire knows it. */
export interface MethodInfo {
  /** As in the .proto, such as `CloseIO`. */
  readonly name: string;
  /** As in code, such as `closeIO`. */
  readonly property: string;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly request: string;
  readonly response: string;
}

/** What scripts/gen.sh writes: messages and enums outside of others, and services, each in protobufjs' JSON form. */
interface FlatSchema {
  readonly types: Readonly<Record<string, protobuf.IType | protobuf.IEnum>>;
  readonly services: Readonly<Record<string, protobuf.IService>>;
}

/** Message types and services by name. A type is taken in when it is first used: start-up pays for what it calls only. */
export class Schema {
  readonly #flat: FlatSchema;
  readonly #root = new protobuf.Root();
  readonly #codecs = new Map<string, Codec>();
  readonly #taken = new Set<string>();

  /** @param json What scripts/gen.sh made. */
  constructor(json: string) {
    this.#flat = JSON.parse(json) as FlatSchema;
  }

  /** @throws unimplemented: this schema has no such message. */
  codec(name: string): Codec {
    const known = this.#codecs.get(name);
    if (known) return known;
    const codec = codecOf(this.type(name));
    this.#codecs.set(name, codec);
    return codec;
  }

  /** @throws unimplemented: this schema has no such message. */
  type(name: string): protobuf.Type {
    this.#take(name);
    this.#root.resolveAll();
    const found = this.#root.lookup(name.split('.'), [protobuf.Type]);
    if (!(found instanceof protobuf.Type)) throw new DaemonError('unimplemented', `message type ${name} is not known`);
    return found;
  }

  /** The methods of a service. @throws unimplemented: this schema has no such service. */
  methods(service: string): readonly MethodInfo[] {
    const found = this.#flat.services[service];
    if (!found) throw new DaemonError('unimplemented', `service ${service} is not known`);
    return Object.entries(found.methods).map(([name, method]) => ({
      name,
      property: name.charAt(0).toLowerCase() + name.slice(1),
      path: `/${service}/${name}`,
      requestStream: method.requestStream ?? false,
      responseStream: method.responseStream ?? false,
      request: method.requestType.replace(/^\./, ''),
      response: method.responseType.replace(/^\./, ''),
    }));
  }

  /** Full names of all services. */
  services(): readonly string[] {
    return Object.keys(this.#flat.services);
  }

  /** Adds a message or enum, and all that its fields refer to. One inside a message comes with the outermost. */
  #take(name: string): void {
    const json = this.#flat.types[name];
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
    namespace.add('fields' in json ? protobuf.Type.fromJSON(simple, json) : protobuf.Enum.fromJSON(simple, json));
    for (const reference of referencesOf(json)) this.#take(reference);
  }
}

/** Full names of the messages and enums in a message's fields, at any depth. */
function* referencesOf(object: object): Iterable<string> {
  const { fields = {}, nested = {} } = object as Partial<protobuf.IType>;
  for (const { type } of Object.values(fields)) if (type.startsWith('.')) yield type.slice(1);
  for (const inner of Object.values(nested)) yield* referencesOf(inner);
}

function codecOf(type: protobuf.Type): Codec {
  const name = type.fullName.slice(1);
  return {
    encode(value) {
      try {
        return bufferOf(type.encode(type.fromObject(value)).finish());
      } catch (cause) {
        throw new DaemonError('invalid-argument', `${name} cannot be encoded: ${messageOf(cause)}`, { cause });
      }
    },
    decode(bytes) {
      try {
        return type.toObject(type.decode(bytes), CONVERSION);
      } catch (cause) {
        throw new DaemonError('invalid-argument', `bytes are no ${name}: ${messageOf(cause)}`, { cause });
      }
    },
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
