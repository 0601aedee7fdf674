import { DaemonError } from '../base/errors.js';

/** A JSON value whose objects have no prototype, so that a key such as `__proto__` is a key like any other. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const DEPTH_MAX = 64;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- RFC 8259 forbids bare control characters in strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;
const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

/**
 * Parses JSON (RFC 8259) in one reading only: a repeated key, bytes that are no UTF-8 and nesting over 64 levels are refused, since
 * two parsers would make two different documents of them.
 *
 * @param what Names the document in errors.
 * @throws invalid-argument: says at which character.
 */
export function parseStrictJson(bytes: Uint8Array, what: string): Json {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DaemonError('invalid-argument', `${what} is no JSON: it is not UTF-8`, { cause });
  }
  return new Parser(text, what).document();
}

/** True for an object, not an array and not null. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Parser {
  readonly #text: string;
  readonly #what: string;
  #at = 0;

  constructor(text: string, what: string) {
    this.#text = text;
    this.#what = what;
  }

  document(): Json {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at !== this.#text.length) this.#fail('something follows the document');
    return value;
  }

  #value(depth: number): Json {
    if (depth > DEPTH_MAX) this.#fail(`nested over ${DEPTH_MAX} levels`);
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
      case 'f':
      case 'n':
        return WORDS[this.#take(WORD, 'a word that is not true, false or null')] ?? null;
      default:
        return Number(this.#take(NUMBER, 'a value is missing'));
    }
  }

  #object(depth: number): JsonObject {
    const object = Object.create(null) as Record<string, Json>;
    this.#at += 1;
    if (this.#takes('}')) return object;
    do {
      this.#skipSpace();
      const key = this.#string();
      if (key in object) this.#fail(`the key ${JSON.stringify(key.slice(0, 64))} is there twice`);
      if (!this.#takes(':')) this.#fail('a colon is missing');
      object[key] = this.#value(depth + 1);
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#fail('an object does not end');
    return object;
  }

  #array(depth: number): Json[] {
    const array: Json[] = [];
    this.#at += 1;
    if (this.#takes(']')) return array;
    do array.push(this.#value(depth + 1));
    while (this.#takes(','));
    if (!this.#takes(']')) this.#fail('an array does not end');
    return array;
  }

  #string(): string {
    return JSON.parse(this.#take(STRING, 'a string is missing or broken')) as string;
  }

  #takes(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    this.#take(SPACE, '');
  }

  #take(pattern: RegExp, otherwise: string): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) this.#fail(otherwise);
    this.#at = pattern.lastIndex;
    return match[0];
  }

  #fail(why: string): never {
    throw new DaemonError('invalid-argument', `${this.#what} is no usable JSON: ${why} (at character ${this.#at})`);
  }
}
