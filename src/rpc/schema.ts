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

/** Message types and services by name. Codecs are made when they are first used: start-up pays for what it calls only. */
export class Schema {
  readonly #root: protobuf.Root;
  readonly #codecs = new Map<string, Codec>();

  /** @param json What scripts/gen.sh made: a schema in protobufjs' JSON form. */
  constructor(json: string) {
    this.#root = protobuf.Root.fromJSON(JSON.parse(json) as protobuf.INamespace);
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
    const found = this.#root.lookup(name.split('.'), [protobuf.Type]);
    if (!(found instanceof protobuf.Type)) throw new DaemonError('unimplemented', `message type ${name} is not known`);
    return found;
  }

  /** The methods of a service. @throws unimplemented: this schema has no such service. */
  methods(service: string): readonly MethodInfo[] {
    const found = this.#root.lookup(service.split('.'), [protobuf.Service]);
    if (!(found instanceof protobuf.Service)) throw new DaemonError('unimplemented', `service ${service} is not known`);
    return found.methodsArray.map((method) => ({
      name: method.name,
      property: method.name.charAt(0).toLowerCase() + method.name.slice(1),
      path: `/${service}/${method.name}`,
      requestStream: method.requestStream ?? false,
      responseStream: method.responseStream ?? false,
      request: method.requestType.replace(/^\./, ''),
      response: method.responseType.replace(/^\./, ''),
    }));
  }

  /** Full names of all services. */
  services(): readonly string[] {
    return [...servicesBelow(this.#root)];
  }
}

function* servicesBelow(namespace: protobuf.NamespaceBase): Iterable<string> {
  for (const object of namespace.nestedArray) {
    if (object instanceof protobuf.Service) yield object.fullName.slice(1);
    else if (object instanceof protobuf.Namespace) yield* servicesBelow(object);
  }
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
