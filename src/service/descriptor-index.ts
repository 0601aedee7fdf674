import { wholeSchema } from '../rpc/whole.js';

interface Named {
  readonly name: string;
}

interface MessageDescriptor extends Named {
  readonly field: readonly Named[];
  readonly enum_type: readonly Named[];
  readonly nested_type: readonly MessageDescriptor[];
}

/** Of google.protobuf.FileDescriptorProto what is looked at here. */
interface FileDescriptor extends Named {
  readonly package: string;
  readonly dependency: readonly string[];
  readonly message_type: readonly MessageDescriptor[];
  readonly enum_type: readonly Named[];
  readonly service: readonly (Named & { readonly method: readonly Named[] })[];
  readonly extension: readonly (Named & { readonly extendee: string; readonly number: number })[];
}

interface IndexedFile {
  readonly bytes: Buffer;
  readonly imports: readonly string[];
}

/** Finds files of a compiled descriptor set by what they hold. */
export class DescriptorIndex {
  readonly #files = new Map<string, IndexedFile>();
  /** Full name of a message, field, enum, service, method or extension → file name. */
  readonly #symbols = new Map<string, string>();
  /** Extended message → number → file name. */
  readonly #extensions = new Map<string, Map<number, string>>();

  /** @param set A serialized google.protobuf.FileDescriptorSet. */
  constructor(set: Buffer) {
    const codec = wholeSchema.codec('google.protobuf.FileDescriptorProto');
    for (const bytes of filesOf(set)) this.#add(bytes, codec.decode(bytes) as FileDescriptor);
  }

  /** The file and everything it imports, itself first; undefined when there is none of that name. */
  file(name: string): readonly Buffer[] | undefined {
    if (!this.#files.has(name)) return undefined;
    const closure = new Map<string, Buffer>();
    const visit = (at: string): void => {
      const file = this.#files.get(at);
      if (!file || closure.has(at)) return;
      closure.set(at, file.bytes);
      file.imports.forEach(visit);
    };
    visit(name);
    return [...closure.values()];
  }

  /** The file that declares a symbol, as `file` gives it. */
  fileOfSymbol(symbol: string): readonly Buffer[] | undefined {
    return this.file(this.#symbols.get(symbol) ?? '');
  }

  /** The file that extends a message by that number, as `file` gives it. */
  fileOfExtension(message: string, number: number): readonly Buffer[] | undefined {
    return this.file(this.#extensions.get(message)?.get(number) ?? '');
  }

  /** Numbers by which a message is extended; undefined when there is no such message. */
  extensionNumbers(message: string): readonly number[] | undefined {
    if (!this.#symbols.has(message)) return undefined;
    return [...(this.#extensions.get(message)?.keys() ?? [])];
  }

  #add(bytes: Buffer, file: FileDescriptor): void {
    this.#files.set(file.name, { bytes, imports: file.dependency });
    const scope = file.package === '' ? '' : `${file.package}.`;
    for (const symbol of symbolsOf(file, scope)) this.#symbols.set(symbol, file.name);
    for (const { extendee, number } of file.extension) {
      const message = extendee.replace(/^\./, '');
      const numbers = this.#extensions.get(message) ?? new Map<number, string>();
      this.#extensions.set(message, numbers.set(number, file.name));
    }
  }
}

function* symbolsOf(file: FileDescriptor, scope: string): Iterable<string> {
  for (const message of file.message_type) yield* symbolsOfMessage(message, scope);
  for (const { name } of [...file.enum_type, ...file.extension]) yield scope + name;
  for (const service of file.service) {
    yield scope + service.name;
    for (const method of service.method) yield `${scope}${service.name}.${method.name}`;
  }
}

function* symbolsOfMessage(message: MessageDescriptor, scope: string): Iterable<string> {
  const name = scope + message.name;
  yield name;
  for (const field of [...message.field, ...message.enum_type]) yield `${name}.${field.name}`;
  for (const nested of message.nested_type) yield* symbolsOfMessage(nested, `${name}.`);
}

/** The bytes of each file of a set: `repeated FileDescriptorProto file = 1`, and nothing else. */
function* filesOf(set: Buffer): Iterable<Buffer> {
  for (let at = 0; at < set.length;) {
    let length = 0;
    let shift = 0;
    at += 1; // the tag, 0x0a
    for (let more = true; more; shift += 7) {
      const byte = set.readUInt8(at++);
      length |= (byte & 0x7f) << shift;
      more = byte >= 0x80;
    }
    yield set.subarray(at, at + length);
    at += length;
  }
}
