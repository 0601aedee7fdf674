/**
 * usage: gen-schema.ts WHOLE.binpb CLIENT.binpb OUT
 *
 * Writes what the codec needs at run time, without a .proto parser: OUT/whole-schema.ts and OUT/client-schema.ts (messages and
 * services in protobufjs' JSON form), OUT/descriptors.ts (the compiled descriptor set, for server reflection) and OUT/tables.ts (names to types).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor/index.js';

const HEAD = '// Generated from proto/ by scripts/gen.sh; do not edit.\n';

/** Options say nothing to the codec but these. */
const KEPT_OPTIONS = new Set(['proto3_optional', 'packed']);

type Json = Record<string, unknown>;

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Members of protobufjs' JSON form whose keys are names from the .proto files, and may so be called `options` too. */
const NAMED = new Set(['nested', 'fields', 'methods', 'oneofs']);

/** Drops what the codec does not need (file options, comments, reserved ranges), and makes maps of lists of map entries. */
function slim(object: Json): Json {
  const out: Json = {};
  for (const [key, inner] of Object.entries(withMaps(object))) {
    if (key === 'reserved' || key === 'comment' || key === 'comments') continue;
    if (NAMED.has(key) && isJson(inner)) out[key] = slimAll(inner);
    else if (key !== 'options') out[key] = inner;
    else if (isJson(inner)) {
      const kept = Object.entries(inner).filter(([name]) => KEPT_OPTIONS.has(name));
      if (kept.length > 0) out[key] = Object.fromEntries(kept);
    }
  }
  return out;
}

function slimAll(objects: Json): Json {
  return Object.fromEntries(
    Object.entries(objects).map(([name, inner]) => [name, isJson(inner) ? slim(inner) : inner]),
  );
}

/** A compiled descriptor has a map as `repeated XEntry`, with XEntry marked; protobufjs knows maps from .proto files only. */
function withMaps(message: Json): Json {
  const { fields, nested } = message;
  if (!isJson(fields) || !isJson(nested)) return message;
  const entries = new Map<string, Json>();
  for (const [name, inner] of Object.entries(nested)) {
    if (isJson(inner) && isJson(inner.options) && inner.options.map_entry && isJson(inner.fields))
      entries.set(name, inner.fields);
  }
  const mapped = Object.entries(fields).map(([name, field]) => [name, asMap(field, entries)] as const);
  const rest = Object.entries(nested).filter(([name]) => !entries.has(name));
  const { nested: _, ...own } = message;
  return { ...own, fields: Object.fromEntries(mapped), ...(rest.length > 0 && { nested: Object.fromEntries(rest) }) };
}

function asMap(field: unknown, entries: ReadonlyMap<string, Json>): unknown {
  if (!isJson(field) || typeof field.type !== 'string') return field;
  const entry = entries.get(field.type.split('.').at(-1) ?? '');
  if (!entry || !isJson(entry.key) || !isJson(entry.value)) return field;
  return { keyType: entry.key.type, type: entry.value.type, id: field.id };
}

/** What protobufjs/ext/descriptor adds to the class, and does not declare. */
const { fromDescriptor } = protobuf.Root as unknown as Record<'fromDescriptor', (set: Uint8Array) => protobuf.Root>;

function readRoot(file: string): protobuf.Root {
  const root = fromDescriptor(readFileSync(file));
  root.resolveAll();
  return root;
}

function* descendants(namespace: protobuf.NamespaceBase): Iterable<protobuf.ReflectionObject> {
  for (const object of namespace.nestedArray) {
    yield object;
    if (object instanceof protobuf.Namespace) yield* descendants(object);
  }
}

function nameOf(object: protobuf.ReflectionObject): string {
  return object.fullName.slice(1);
}

function kindOf(method: protobuf.Method): string {
  if (method.requestStream) return method.responseStream ? 'bidi' : 'client-stream';
  return method.responseStream ? 'server-stream' : 'unary';
}

/** `CloseIO` is `closeIO`: the name that handlers and clients use. */
function methodLine(method: protobuf.Method): string {
  const name = method.name.charAt(0).toLowerCase() + method.name.slice(1);
  const typeName = (type: protobuf.Type | null): string => (type ? nameOf(type) : '');
  const request = typeName(method.resolvedRequestType);
  const response = typeName(method.resolvedResponseType);
  return `    ${name}: { kind: '${kindOf(method)}'; request: '${request}'; response: '${response}' };`;
}

/** Messages that stand alone; those inside others are reached through them. google.protobuf has few that travel. */
function isListed(object: protobuf.ReflectionObject): object is protobuf.Type {
  if (!(object instanceof protobuf.Type) || object.parent instanceof protobuf.Type) return false;
  const [, wellKnown] = /^google\.protobuf\.(.*)/.exec(nameOf(object)) ?? [];
  return !wellKnown || ['Any', 'Empty', 'Timestamp', 'FieldMask'].includes(wellKnown);
}

function tables(root: protobuf.Root): string {
  const all = [...descendants(root)];
  const imports: string[] = [];
  const messages: string[] = [];
  for (const type of all.filter(isListed)) {
    const full = nameOf(type);
    const id = full.replaceAll('.', '_');
    const names = `${type.name} as ${id}, ${type.name}__Output as ${id}__Output`;
    imports.push(`import type { ${names} } from './${full.replaceAll('.', '/')}.js';`);
    messages.push(`  '${full}': { input: ${id}; output: ${id}__Output };`);
  }
  const services = all
    .filter((object) => object instanceof protobuf.Service)
    .map((service) => [`  '${nameOf(service)}': {`, ...service.methodsArray.map(methodLine), '  };'].join('\n'));
  return [
    HEAD,
    ...imports.sort(),
    '',
    '/** Every message by its full name: what may be encoded, and what is decoded. */',
    'export interface MessageTable {',
    ...messages.sort(),
    '}',
    '',
    '/** Every service by its full name, with the shape of its methods. */',
    'export interface ServiceTable {',
    ...services.sort(),
    '}',
    '',
  ].join('\n');
}

/** Messages and enums outside of others, and services, by full name: so the codec can take one after the other as it needs them. */
interface FlatSchema {
  readonly types: Record<string, Json>;
  readonly services: Record<string, Json>;
}

function flatten(namespace: Json, scope: string, into: FlatSchema): FlatSchema {
  if (!isJson(namespace.nested)) return into;
  for (const [name, object] of Object.entries(namespace.nested)) {
    if (!isJson(object)) continue;
    const full = scope + name;
    if (isJson(object.methods)) into.services[full] = object;
    else if (isJson(object.fields) || isJson(object.values)) into.types[full] = object;
    else flatten(object, `${full}.`, into);
  }
  return into;
}

/** As src/rpc/flat-schema.ts reads it. */
function schemaModule(constant: string, root: protobuf.Root): string {
  const { types, services } = flatten(slim(root.toJSON() as unknown as Json), '', { types: {}, services: {} });
  const lines = (kind: string, all: Record<string, Json>) =>
    Object.entries(all).map(([name, json]) => `${kind} ${name} ${JSON.stringify(json)}`);
  const text = [...lines('type', types), ...lines('service', services)].join('\n');
  // A string that is parsed at run time: V8 does that faster than compiling an object literal.
  return `${HEAD}export const ${constant} =\n  '${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}';\n`;
}

const [wholeFile, clientFile, out] = process.argv.slice(2);
if (!wholeFile || !clientFile || !out) throw new Error('usage: gen-schema.ts WHOLE.binpb CLIENT.binpb OUT');
const whole = readRoot(wholeFile);
const base64 = readFileSync(wholeFile).toString('base64');
writeFileSync(join(out, 'whole-schema.ts'), schemaModule('WHOLE_SCHEMA', whole));
writeFileSync(join(out, 'client-schema.ts'), schemaModule('CLIENT_SCHEMA', readRoot(clientFile)));
writeFileSync(join(out, 'descriptors.ts'), `${HEAD}export const DESCRIPTORS =\n  '${base64}';\n`);
writeFileSync(join(out, 'tables.ts'), tables(whole));
