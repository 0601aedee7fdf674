import { DaemonError } from '../base/errors.js';
import { isJsonObject, type Json, type JsonObject } from './strict-json.js';

/** Reads the fields of a JSON document with their types checked; every error names the document and the field. */
export class Fields {
  readonly #object: JsonObject;
  readonly #what: string;

  constructor(value: Json | undefined, what: string) {
    this.#what = what;
    if (!isJsonObject(value)) this.fail('is no JSON object');
    this.#object = value;
  }

  get what(): string {
    return this.#what;
  }

  has(key: string): boolean {
    return this.#object[key] !== undefined && this.#object[key] !== null;
  }

  /** Refuses keys which differ from a known one in case only: parsers exist that take them for the same. */
  refuseOtherCase(known: readonly string[]): void {
    const byFold = new Map(known.map((key) => [key.toLowerCase(), key]));
    for (const key of Object.keys(this.#object)) {
      const meant = byFold.get(key.toLowerCase());
      if (meant !== undefined && meant !== key) this.fail(`has the field ${key}, which could be read as ${meant}`);
    }
  }

  text(key: string): string {
    return this.optionalText(key) ?? this.fail(`has no ${key}`);
  }

  optionalText(key: string): string | undefined {
    const value = this.#object[key] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    return this.fail(`has a ${key} that is no text`);
  }

  /** A whole number of 0 to 2^53-1. */
  size(key: string): number {
    const value = this.#object[key];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) return value;
    return this.fail(`has a ${key} that is no whole number of 0 or more`);
  }

  flag(key: string): boolean {
    const value = this.#object[key] ?? false;
    return typeof value === 'boolean' ? value : this.fail(`has a ${key} that is neither true nor false`);
  }

  object(key: string): Fields | undefined {
    return this.has(key) ? new Fields(this.#object[key], `${this.#what}: ${key}`) : undefined;
  }

  /** Empty when the field is missing or null. */
  list<T>(key: string, read: (item: Json, index: number) => T): T[] {
    const value = this.#object[key] ?? [];
    if (!Array.isArray(value)) return this.fail(`has a ${key} that is no list`);
    return (value as readonly Json[]).map(read);
  }

  texts(key: string): string[] {
    return this.list(key, (item) =>
      typeof item === 'string' ? item : this.fail(`has a ${key} with something else than text`),
    );
  }

  /** Text by text, such as annotations; undefined when missing. */
  textMap(key: string): Readonly<Record<string, string>> | undefined {
    return this.#map(key, (value) =>
      typeof value === 'string' ? value : this.fail(`has ${key} that are not all text`),
    );
  }

  /** The keys of an object whose values don't matter, such as volumes. */
  keys(key: string): string[] {
    return Object.keys(this.#map(key, () => '') ?? {});
  }

  fail(why: string): never {
    throw new DaemonError('invalid-argument', `${this.#what} ${why}`);
  }

  #map(key: string, read: (value: Json) => string): Record<string, string> | undefined {
    const value = this.#object[key] ?? undefined;
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) return this.fail(`has a ${key} that is no object`);
    const map = Object.create(null) as Record<string, string>;
    for (const [name, item] of Object.entries(value)) map[name] = read(item);
    return map;
  }
}
