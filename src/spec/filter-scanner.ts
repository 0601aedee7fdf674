/**
 * Tokens of containerd's filter grammar. A run of other characters than letters is a token only where its meaning is known by what
 * stands before it: after an operator it is a value.
 */
export type Token =
  | { readonly kind: 'field' | 'value' | 'operator' | 'separator'; readonly at: number; readonly text: string }
  | { readonly kind: 'quoted'; readonly at: number; readonly text: string; readonly quote: string }
  | { readonly kind: 'illegal'; readonly at: number; readonly why: string }
  | { readonly kind: 'end'; readonly at: number };

const SPACES = /\s*/uy;
const FIELD = /[A-Za-z0-9_]+/uy;
const OPERATOR = /[=!~]+/uy;
const VALUE = /[^,\s\p{C}]+/uy;
const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };
const HEX_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const CODE_POINT_MAX = 0x10ffff;

/** Cuts a filter into tokens, one call a token. */
export class FilterScanner {
  readonly #input: string;
  #at = 0;
  #valueNext = false;

  constructor(input: string) {
    this.#input = input;
  }

  /** The next character, blanks included; empty at the end. */
  peek(): string {
    const code = this.#input.codePointAt(this.#at);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  /** Where `peek` looks. */
  get position(): number {
    return this.#at;
  }

  next(): Token {
    this.#take(SPACES);
    const at = this.#at;
    const head = this.peek();
    if (head === '') return { kind: 'end', at };
    if (head === '"' || head === '/' || head === '|') return this.#quoted(head);
    if (head === ',' || head === '.') {
      this.#at += 1;
      this.#valueNext = false;
      return { kind: 'separator', at, text: head };
    }
    const operator = this.#take(OPERATOR);
    if (operator !== '') {
      this.#valueNext = true;
      return { kind: 'operator', at, text: operator };
    }
    return this.#word(at, head);
  }

  #word(at: number, head: string): Token {
    const kind = this.#valueNext ? 'value' : 'field';
    this.#valueNext = false;
    const text = this.#take(kind === 'value' ? VALUE : FIELD);
    if (text !== '') return { kind, at, text };
    this.#at += head.length;
    return { kind: 'illegal', at, why: head === '\0' ? 'unexpected null' : '' };
  }

  #quoted(quote: string): Token {
    const at = this.#at;
    const bytes: Buffer[] = [];
    let why = '';
    this.#at += 1;
    for (let char = this.peek(); char !== quote; char = this.peek()) {
      if (char === '' || char === '\n')
        return { kind: 'illegal', at, why: why === '' ? 'quoted literal not terminated' : why };
      this.#at += char.length;
      if (char !== '\\') {
        bytes.push(Buffer.from(char));
        continue;
      }
      const unescaped = this.#escape(quote);
      if (typeof unescaped === 'string') why = why === '' ? unescaped : why;
      else bytes.push(unescaped);
    }
    this.#at += 1;
    if (why !== '') return { kind: 'illegal', at, why };
    return { kind: 'quoted', at, text: Buffer.concat(bytes).toString(), quote };
  }

  /** The bytes that an escape stands for, or what is wrong with it. */
  #escape(quote: string): Buffer | string {
    const head = this.peek();
    this.#at += head.length;
    if (head === quote) return Buffer.from(quote);
    const simple = SIMPLE_ESCAPES[head];
    if (simple !== undefined) return Buffer.from([simple]);
    const hexLength = HEX_LENGTHS[head];
    if (hexLength !== undefined) return this.#number(16, hexLength, head === 'x');
    if (head < '0' || head > '7') return 'illegal escape sequence';
    this.#at -= 1;
    return this.#number(8, 3, true);
  }

  #number(base: 8 | 16, length: number, byte: boolean): Buffer | string {
    const digits = this.#input.slice(this.#at, this.#at + length);
    const valid = base === 8 ? /^[0-7]+/ : /^[0-9A-Fa-f]+/;
    const read = valid.exec(digits)?.[0] ?? '';
    this.#at += read.length;
    if (read.length < length) return 'illegal numeric escape sequence';
    const code = Number.parseInt(read, base);
    if (code > (byte ? 0xff : CODE_POINT_MAX)) return 'unquoting failed: quote syntax error';
    return byte ? Buffer.from([code]) : Buffer.from(String.fromCodePoint(code));
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#input)?.[0] ?? '';
    this.#at += text.length;
    return text;
  }
}
