import { matchesGlob } from '../../spec/glob.js';
import { parseReference } from '../../spec/reference.js';

/** Whose signature is asked for. Paths are absolute. */
export type Signers =
  | {
      readonly kind: 'key';
      /** A public key in PEM. */
      readonly keyFile: string;
      /** With it, the signature must be in a transparency log of that trust root too. */
      readonly trustRoot?: string;
    }
  | {
      readonly kind: 'identity';
      /** Who has vouched for the identity: the address of the OpenID provider, exactly. */
      readonly issuer: string;
      /** The subject of the certificate; a pattern as `matchesGlob` has it. */
      readonly identity: string;
      /** A `trusted_root.json`. */
      readonly trustRoot: string;
    };

/** What holds for the images whose names fit a pattern. */
export interface Rule {
  /** As `matchesGlob` has it, for the repository alone or the whole name. */
  readonly match: string;
  readonly require: 'accept' | 'reject' | 'signature';
  /** For `signature`. */
  readonly signers?: Signers;
  /** What signed statements may be about, for `signature`: types of in-toto predicates. */
  readonly predicateTypes: readonly string[];
}

/** What cosign signs images with. */
export const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';

/** The first rule that fits a name. Hosts are compared in lower case: they are the same to the network. */
export function ruleFor(rules: readonly Rule[], name: string): Rule | undefined {
  const { locator, object } = parseReference(name);
  const slash = locator.indexOf('/');
  const host = slash < 0 ? locator : locator.slice(0, slash);
  const repository = host.toLowerCase() + locator.slice(host.length);
  const whole = repository + (object.startsWith('@') ? '' : ':') + object;
  return rules.find(({ match }) => matchesGlob(match, repository) || matchesGlob(match, whole));
}
