/** One challenge of a WWW-Authenticate header. Scheme and parameter names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  /** The bare credential-like text of schemes that have no parameters. */
  readonly token68?: string;
  readonly params: Readonly<Record<string, string>>;
}

const SPACES = /[ \t]*/y;
const COMMAS = /[ \t,]*/y;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const QUOTED = /"(?:[^"\\]|\\[^])*"/y;

/**
 * Reads the challenges of WWW-Authenticate headers (RFC 9110, 11.6.1). What follows a broken part of a header is left out: a
 * challenge that can't be read can't be answered.
 */
export function parseChallenges(headers: readonly string[]): Challenge[] {
  return headers.flatMap((header) => new ChallengeReader(header).all());
}

class ChallengeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  all(): Challenge[] {
    const challenges: Challenge[] = [];
    for (;;) {
      this.#take(COMMAS);
      const scheme = this.#take(TOKEN);
      if (scheme === undefined) return challenges;
      const spaced = this.#take(SPACES) !== '';
      const token68 = spaced ? this.#take(TOKEN68) : undefined;
      const params = token68 === undefined && spaced ? this.#params() : emptyParams();
      challenges.push({ scheme: scheme.toLowerCase(), params, ...(token68 !== undefined && { token68 }) });
    }
  }

  #params(): Record<string, string> {
    const params = emptyParams();
    for (;;) {
      const before = this.#at;
      this.#take(COMMAS);
      const name = this.#take(TOKEN);
      this.#take(SPACES);
      if (name === undefined || this.#text[this.#at] !== '=') {
        this.#at = before;
        return params;
      }
      this.#at += 1;
      this.#take(SPACES);
      const value = this.#value();
      if (value === undefined) {
        this.#at = this.#text.length;
        return params;
      }
      params[name.toLowerCase()] ??= value;
    }
  }

  #value(): string | undefined {
    const quoted = this.#take(QUOTED);
    return quoted === undefined ? this.#take(TOKEN) : quoted.slice(1, -1).replace(/\\([^])/g, '$1');
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[0];
  }
}

function emptyParams(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}
