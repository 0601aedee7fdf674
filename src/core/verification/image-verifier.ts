import { DaemonError, isKind, kindOf, messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import type { Resolved } from '../remotes/remotes.js';
import { bundlesOf } from './bundles.js';
import { ruleFor, type Rule, type Signers } from './policy.js';

/** Tells whether a signature is one. */
export interface SignatureChecker {
  /**
   * @param bundle JSON of a sigstore bundle, not trusted.
   * @returns Who has signed, for people.
   * @throws failed-precondition: what a rule names (a key, a trust root) is of no use. Anything else: this signature is none of them.
   */
  check(bundle: Uint8Array, subject: Digest, rule: { readonly signers: Signers } & Rule): Promise<string>;
}

/** Programs of the administrator that are asked about images. */
export interface VerifierPrograms {
  /**
   * @returns What each said for its consent.
   * @throws failed-precondition: one has refused, or could not be asked.
   */
  ask(name: string, target: Descriptor, signal: AbortSignal): Promise<readonly ProgramConsent[]>;
}

export interface ProgramConsent {
  readonly program: string;
  readonly reason: string;
}

export interface VerifyRequest {
  readonly resolved: Resolved;
  /** Names that the image is to get; the policy holds for each, and for the one that was resolved. */
  readonly names: readonly string[];
  readonly signal: AbortSignal;
}

/** Why an image may be used. */
export interface Verdict {
  /** A rule each, and who has signed where it asks for that. */
  readonly rules: readonly { readonly rule: Rule; readonly signer?: string; readonly bundle?: Digest }[];
  readonly programs: readonly ProgramConsent[];
}

/** Decides about images before anything of them is fetched. */
export interface ImageVerifier {
  /**
   * @throws failed-precondition: refused; says which image, digest and rule, and why. unavailable: what refers to it can't be had.
   */
  verify(request: VerifyRequest): Promise<Verdict>;
}

export interface VerifierParts {
  /** Without any there is nothing to hold to; with some, an image that none fits is refused. */
  readonly rules: readonly Rule[];
  readonly signatures: SignatureChecker;
  readonly programs?: VerifierPrograms | undefined;
  readonly log: Logger;
}

/** Holds images to a policy. */
export function createImageVerifier({ rules, signatures, programs, log }: VerifierParts): ImageVerifier {
  return {
    async verify({ resolved, names, signal }) {
      const { name, target } = resolved;
      const verdict: { -readonly [key in keyof Verdict]: Verdict[key] } = { rules: [], programs: [] };
      try {
        for (const rule of rulesOf(rules, [name, ...names])) {
          verdict.rules = [...verdict.rules, { rule, ...(await holdTo(rule, resolved, signatures, signal)) }];
        }
        verdict.programs = (await programs?.ask(name, target, signal)) ?? [];
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ image: name, digest: target.digest, reason: messageOf(error) }, 'image refused');
        const kind = isKind(error, 'unavailable') ? 'unavailable' : 'failed-precondition';
        throw new DaemonError(kind, `${name} (${target.digest}) is refused: ${messageOf(error)}`, { cause: error });
      }
      return verdict;
    },
  };
}

/** Each that holds for one of the names, once. */
function rulesOf(rules: readonly Rule[], names: readonly string[]): Rule[] {
  if (rules.length === 0) return [];
  const found = names.map((name) => {
    const rule = ruleFor(rules, name);
    if (rule !== undefined) return rule;
    throw new DaemonError('failed-precondition', `no rule of [verification] fits ${name}; add one to the settings`);
  });
  return [...new Set(found)];
}

async function holdTo(
  rule: Rule,
  resolved: Resolved,
  signatures: SignatureChecker,
  signal: AbortSignal,
): Promise<{ readonly signer?: string; readonly bundle?: Digest }> {
  if (rule.require === 'accept') return {};
  const named = `rule ${JSON.stringify(rule.match)}`;
  const { signers } = rule;
  if (rule.require === 'reject' || signers === undefined) {
    throw new DaemonError('failed-precondition', `${named} lets nothing in`);
  }
  const whose = `${named} asks for a signature ${describe(signers)}`;
  const refusals: string[] = [];
  try {
    for await (const { digest, bytes } of bundlesOf(resolved, refusals, signal)) {
      try {
        const signer = await signatures.check(bytes, resolved.target.digest, { ...rule, signers });
        return { signer, bundle: digest };
      } catch (error) {
        if (isKind(error, 'failed-precondition')) throw error;
        refusals.push(`${digest.slice(0, 19)}: ${oneLine(messageOf(error))}`);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new DaemonError(kindOf(error), `${whose}: ${messageOf(error)}`, { cause: error });
  }
  if (refusals.length === 0) throw new DaemonError('failed-precondition', `${whose}, and it has none at all`);
  const told = refusals.slice(0, TOLD_MAX).join('; ');
  const more = refusals.length > TOLD_MAX ? `; and ${refusals.length - TOLD_MAX} more` : '';
  throw new DaemonError('failed-precondition', `${whose}, and has none (${told}${more})`);
}

/** Refusals that an error names. */
const TOLD_MAX = 4;

function describe(signers: Signers): string {
  return signers.kind === 'key'
    ? `by the key ${signers.keyFile}`
    : `by ${signers.identity} of ${signers.issuer}, trusted by ${signers.trustRoot}`;
}

/** What strangers wrote, made fit for a line of a message. */
function oneLine(text: string): string {
  return text.slice(0, 300).replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
