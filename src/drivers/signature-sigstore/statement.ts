import { DaemonError } from '../../base/errors.js';
import { algorithmOf, hexOf, type Digest } from '../../spec/digest.js';
import { openJson } from '../../spec/document.js';
import { Fields } from '../../spec/fields.js';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = /^https:\/\/in-toto\.io\/Statement\/v\d/;

/**
 * Checks what was signed: an in-toto statement of one of some types, about a digest.
 *
 * @param payload Of a signature that is verified.
 * @throws invalid-argument: it says something else.
 */
export function checkStatement(
  payload: Uint8Array,
  payloadType: string,
  subject: Digest,
  predicateTypes: readonly string[],
): void {
  if (payloadType !== PAYLOAD_TYPE) throw new DaemonError('invalid-argument', `signs ${payloadType}, no statement`);
  const statement = openJson(payload, 'the signed statement');
  if (!STATEMENT_TYPE.test(statement.text('_type'))) statement.fail('is none of in-toto');
  const type = statement.text('predicateType');
  if (!predicateTypes.includes(type)) statement.fail(`is of the type ${type}, not ${predicateTypes.join(' or ')}`);
  const subjects = statement.list(
    'subject',
    (item) => new Fields(item, 'a subject').textMap('digest')?.[algorithmOf(subject)],
  );
  if (!subjects.includes(hexOf(subject))) statement.fail('is about another image');
}
