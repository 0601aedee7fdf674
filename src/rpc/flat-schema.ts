import { DaemonError } from '../base/errors.js';

/** A field in protobufjs' JSON form. A type of the schema begins with a point; `keyType` makes a map of it. */
export interface FlatField {
  readonly type: string;
  readonly id: number;
  readonly rule?: string;
  readonly keyType?: string;
  readonly options?: { readonly packed?: boolean };
}

export interface FlatMessage {
  readonly fields: Readonly<Record<string, FlatField>>;
  readonly oneofs?: Readonly<Record<string, { readonly oneof: readonly string[] }>>;
  readonly nested?: Readonly<Record<string, FlatMessage | FlatEnum>>;
  /** Absent for proto3. */
  readonly edition?: string;
}

export interface FlatEnum {
  readonly values: Readonly<Record<string, number>>;
}

export interface FlatMethod {
  readonly requestType: string;
  readonly responseType: string;
  readonly requestStream?: boolean;
  readonly responseStream?: boolean;
}

export interface FlatService {
  readonly methods: Readonly<Record<string, FlatMethod>>;
}

/** JSON by names, each parsed when it is first asked for: of a schema a command needs a tenth. */
class LazyJson<T> {
  readonly #texts = new Map<string, string>();
  readonly #values = new Map<string, T>();

  add(name: string, text: string): void {
    this.#texts.set(name, text);
  }

  get(name: string): T | undefined {
    const text = this.#texts.get(name);
    if (text === undefined) return undefined;
    const value = this.#values.get(name) ?? (JSON.parse(text) as T);
    this.#values.set(name, value);
    return value;
  }

  names(): readonly string[] {
    return [...this.#texts.keys()];
  }
}

/** Messages and enums outside of others, and services, by full name. */
export class FlatSchema {
  readonly types = new LazyJson<FlatMessage | FlatEnum>();
  readonly services = new LazyJson<FlatService>();

  /** @param text What scripts/gen.sh writes: a line for each, with `type` or `service`, its name, and protobufjs' JSON form of it. */
  constructor(text: string) {
    for (const line of text.split('\n')) {
      const name = line.indexOf(' ') + 1;
      const json = line.indexOf(' ', name) + 1;
      const into = line.startsWith('type') ? this.types : this.services;
      into.add(line.slice(name, json - 1), line.slice(json));
    }
  }
}

/** The types of fields that proto/ has, but for messages and enums. */
export type ScalarType = 'string' | 'bytes' | 'bool' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'double';

/** What the value of a field is; messages and enums are looked up when they are needed. */
export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  | { readonly kind: 'enum'; readonly values: Readonly<Record<string, number>> }
  | { readonly kind: 'message'; readonly message: () => MessageTable };

export interface FieldTable {
  readonly name: string;
  readonly id: number;
  readonly type: FieldType;
  readonly repeated: boolean;
  /** With strings as keys: proto/ has no other maps. */
  readonly map: boolean;
  /** A repeated number is written as one run of bytes. */
  readonly packed: boolean;
  /** Name of the group of fields of which one is set. */
  readonly oneof: string | undefined;
}

export interface MessageTable {
  readonly fullName: string;
  /** By their numbers, ascending. */
  readonly fields: readonly FieldTable[];
  readonly byId: ReadonlyMap<number, FieldTable>;
}

const SCALARS: ReadonlySet<string> = new Set<ScalarType>([
  ...(['string', 'bytes', 'bool', 'int32', 'uint32', 'int64', 'uint64', 'double'] as const),
]);

/** The messages of a schema, each made a table when it is first asked for. */
export class MessageTables {
  readonly #flat: FlatSchema;
  readonly #known = new Map<string, MessageTable>();

  constructor(flat: FlatSchema) {
    this.#flat = flat;
  }

  /** @throws unimplemented: the schema has no such message. internal: one of its fields has a type that no table knows. */
  get(name: string): MessageTable {
    const known = this.#known.get(name);
    if (known) return known;
    const flat = this.#find(name);
    if (!flat || !('fields' in flat)) throw new DaemonError('unimplemented', `message type ${name} is not known`);
    const fields = Object.entries(flat.fields)
      .map(([field, its]) => this.#field(flat, field, its))
      .sort((a, b) => a.id - b.id);
    const table = { fullName: name, fields, byId: new Map(fields.map((field) => [field.id, field])) };
    this.#known.set(name, table);
    return table;
  }

  #find(name: string): FlatMessage | FlatEnum | undefined {
    const own = this.#flat.types.get(name);
    if (own) return own;
    const at = name.lastIndexOf('.');
    if (at < 0) return undefined;
    const parent = this.#find(name.slice(0, at));
    return parent && 'nested' in parent ? parent.nested[name.slice(at + 1)] : undefined;
  }

  #field(message: FlatMessage, name: string, { type, id, rule, keyType, options }: FlatField): FieldTable {
    if (keyType !== undefined && keyType !== 'string') throw unknownType(name, `a map with ${keyType} as keys`);
    const [oneof] = Object.entries(message.oneofs ?? {}).find(([, { oneof: names }]) => names.includes(name)) ?? [];
    return {
      ...{ name, id, type: this.#typeOf(name, type), oneof },
      ...{ repeated: rule === 'repeated', map: keyType !== undefined },
      packed: options?.packed ?? message.edition === undefined,
    };
  }

  #typeOf(field: string, type: string): FieldType {
    if (SCALARS.has(type)) return { kind: 'scalar', scalar: type as ScalarType };
    const name = type.slice(1);
    const found = this.#find(name);
    if (!type.startsWith('.') || !found) throw unknownType(field, type);
    if ('values' in found) return { kind: 'enum', values: found.values };
    return { kind: 'message', message: () => this.get(name) };
  }
}

function unknownType(field: string, type: string): DaemonError {
  return new DaemonError(
    'internal',
    `field ${field} is ${type}, which src/rpc/flat-schema.ts does not know: add it there`,
  );
}
