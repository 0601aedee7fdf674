import { DaemonError, messageOf } from '../base/errors.js';
import { FlatSchema, MessageTables, type MessageTable } from './flat-schema.js';

/** Turns one message type into bytes and back. */
export interface Codec {
  /** @throws invalid-argument: a field has a value that its type cannot hold. */
  readonly encode: (value: object) => Buffer;
  /** @throws invalid-argument: the bytes are no such message. */
  readonly decode: (bytes: Uint8Array) => object;
}

/**
 * Makes the codecs of a schema. They take and give the same as proto-loader's do with keepCase, longs and enums as strings, defaults and
 * oneofs: src/gen is generated for these. What they throw is wrapped by the schema.
 */
export type CodecMaker = (flat: FlatSchema) => (message: MessageTable) => Codec;

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

/** Message types and services by name. A type is taken in when it is first used: start-up pays for what it calls only. */
export class Schema {
  readonly #flat: FlatSchema;
  readonly #tables: MessageTables;
  readonly #codecOf: (message: MessageTable) => Codec;
  readonly #codecs = new Map<string, Codec>();

  /** @param text What scripts/gen.sh made. */
  constructor(text: string, codecs: CodecMaker) {
    this.#flat = new FlatSchema(text);
    this.#tables = new MessageTables(this.#flat);
    this.#codecOf = codecs(this.#flat);
  }

  /** @throws unimplemented: this schema has no such message. */
  codec(name: string): Codec {
    const known = this.#codecs.get(name);
    if (known) return known;
    const codec = explaining(name, this.#codecOf(this.message(name)));
    this.#codecs.set(name, codec);
    return codec;
  }

  /** @throws unimplemented: this schema has no such message. */
  message(name: string): MessageTable {
    return this.#tables.get(name);
  }

  /** The methods of a service. @throws unimplemented: this schema has no such service. */
  methods(service: string): readonly MethodInfo[] {
    const found = this.#flat.services.get(service);
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
    return this.#flat.services.names();
  }
}

function explaining(name: string, { encode, decode }: Codec): Codec {
  return {
    encode(value) {
      try {
        return encode(value);
      } catch (cause) {
        throw new DaemonError('invalid-argument', `${name} cannot be encoded: ${messageOf(cause)}`, { cause });
      }
    },
    decode(bytes) {
      try {
        return decode(bytes);
      } catch (cause) {
        throw new DaemonError('invalid-argument', `bytes are no ${name}: ${messageOf(cause)}`, { cause });
      }
    },
  };
}
