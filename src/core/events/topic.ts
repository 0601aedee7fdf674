import { DaemonError } from '../../base/errors.js';
import { checkIdentifier } from '../../spec/identifier.js';

/** Checks a topic such as `/tasks/exit`: a slash and identifiers between slashes. @throws invalid-argument. */
export function checkTopic(topic: string): string {
  const context = `envelope topic ${JSON.stringify(topic)}`;
  const refuse = (why: string) => new DaemonError('invalid-argument', `${context}: ${why}: invalid argument`);
  if (topic === '') throw refuse('must not be empty');
  if (!topic.startsWith('/')) throw refuse(`must start with '/'`);
  if (topic === '/') throw refuse('must have at least one component');
  for (const component of topic.slice(1).split('/')) checkIdentifier(component, `${context}: component`);
  return topic;
}
