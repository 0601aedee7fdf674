import { RE2JS } from 're2js';
import { DaemonError, type ErrorKind, messageOf } from '../base/errors.js';
import { FilterScanner, type Token } from './filter-scanner.js';
import type { Labels } from './labels.js';

/** Looks up a field by its path, such as `['labels', 'a', 'b']`; undefined where the object has none. */
export type FieldOf = (path: readonly string[]) => string | undefined;

/** Says whether an object, given by its fields, fits. */
export type Filter = (fieldOf: FieldOf) => boolean;

/**
 * Understands containerd's filters (its pkg/filters): selectors joined by `,` must all hold, of several filters any one suffices, and
 * no filters at all (or an empty one) let everything through. A selector is a field path alone (presence) or with `==`, `!=` or `~=` and
 * a value. Values are quoted by `"`, after `~=` also by `/` or `|`; `~=` looks for a match of an RE2 expression anywhere in the value,
 * and an expression that does not compile fits nothing.
 *
 * @throws invalid-argument: not of the grammar; the message marks the place.
 */
export function parseFilters(filters: readonly string[] | undefined): Filter {
  if (filters === undefined || filters.length === 0) return () => true;
  const parsed = filters.map(parseFilter);
  return (fieldOf) => parsed.some((filter) => filter(fieldOf));
}

/** As `parseFilters`, with the words of containerd's stores of images, containers, leases and plugins: they tell the kind twice. */
export function parseListFilters(filters: readonly string[] | undefined): Filter {
  return reworded(filters, 'invalid-argument', (message) => `${message}: invalid argument`);
}

/** As `parseFilters`, as containerd refuses a subscription. @throws unknown: not of the grammar. */
export function parseSubscriptionFilters(filters: readonly string[] | undefined): Filter {
  const words = 'subscription error: failed parsing subscription filters';
  return reworded(filters, 'unknown', (message) => `${words}: ${message}`);
}

function reworded(filters: readonly string[] | undefined, kind: ErrorKind, words: (message: string) => string): Filter {
  try {
    return parseFilters(filters);
  } catch (cause) {
    throw new DaemonError(kind, words(messageOf(cause)), { cause });
  }
}

/** The value below `labels` (or another map), whose keys may hold dots. */
export function fieldOfMap(map: Labels | undefined, path: readonly string[]): string | undefined {
  const key = path.join('.');
  return map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
}

function parseFilter(input: string): Filter {
  if (input === '') return () => true;
  const scanner = new FilterScanner(input);
  const selectors = [parseSelector(scanner, input)];
  for (let head = scanner.peek(); head !== ''; head = scanner.peek()) {
    if (head !== ',') throw parseError(input, scanner.position + head.length, `unexpected input: ${head}`);
    scanner.next();
    selectors.push(parseSelector(scanner, input));
  }
  return (fieldOf) => selectors.every((selector) => selector(fieldOf));
}

function parseSelector(scanner: FilterScanner, input: string): Filter {
  const path = [parseField(scanner.next(), input)];
  while (scanner.peek() === '.') {
    scanner.next();
    path.push(parseField(scanner.next(), input));
  }
  const head = scanner.peek();
  if (head === ',' || head === '') return (fieldOf) => fieldOf(path) !== undefined;
  const operator = parseOperator(scanner.next(), input);
  const value = parseValue(scanner.next(), input, operator === '~=');
  if (operator === '==') return (fieldOf) => fieldOf(path) === value;
  if (operator === '!=') return (fieldOf) => (fieldOf(path) ?? '') !== value;
  return matching(path, value);
}

function matching(path: readonly string[], expression: string): Filter {
  const compiled = compile(expression);
  return (fieldOf) => compiled?.matcher(fieldOf(path) ?? '').find() ?? false;
}

function compile(expression: string): RE2JS | undefined {
  try {
    return RE2JS.compile(expression);
  } catch {
    return undefined; // containerd answers with an empty list, and clients know it so
  }
}

function parseField(token: Token, input: string): string {
  if (token.kind === 'field') return token.text;
  if (token.kind === 'quoted') return unquote(token, input, false);
  throw wrongToken(token, input, 'expected field or quoted');
}

function parseOperator(token: Token, input: string): '==' | '!=' | '~=' {
  if (token.kind !== 'operator') throw wrongToken(token, input, 'expected an operator ("=="|"!="|"~=")');
  if (token.text === '==' || token.text === '!=' || token.text === '~=') return token.text;
  throw parseError(input, token.at, `unsupported operator ${JSON.stringify(token.text)}`);
}

function parseValue(token: Token, input: string, alternativeQuotes: boolean): string {
  if (token.kind === 'value' || token.kind === 'field') return token.text;
  if (token.kind === 'quoted') return unquote(token, input, alternativeQuotes);
  throw wrongToken(token, input, 'expected value or quoted');
}

function unquote(token: Token & { readonly kind: 'quoted' }, input: string, alternativeQuotes: boolean): string {
  if (token.quote === '"' || alternativeQuotes) return token.text;
  throw parseError(input, token.at, 'invalid quote encountered');
}

function wrongToken(token: Token, input: string, otherwise: string): DaemonError {
  const why = token.kind === 'illegal' && token.why !== '' ? token.why : otherwise;
  return parseError(input, token.at, why);
}

function parseError(input: string, at: number, why: string): DaemonError {
  const place = at < input.length ? `${input.slice(0, at)} >|${input.charAt(at)}|< ${input.slice(at + 1)}` : input;
  return new DaemonError('invalid-argument', `filters: parse error: [${place}]: ${why}: invalid argument`);
}
