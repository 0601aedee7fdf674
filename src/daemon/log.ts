import { pino, type Logger as Pino } from 'pino';
import type { Logger } from '../base/logger.js';

const REDACTED = ['authorization', 'headers.authorization', 'password', 'token', 'secret', 'refresh_token'];

/** JSON lines on stderr; whole objects are never logged, and what names a secret is blotted out in any case. */
export function createLogger(level: string): Logger {
  const out = pino.destination({ dest: 2, sync: true });
  return adapt(pino({ level, redact: REDACTED, base: null, timestamp: pino.stdTimeFunctions.isoTime }, out));
}

function adapt(log: Pino): Logger {
  return {
    debug: (fields, message) => {
      log.debug(fields, message);
    },
    info: (fields, message) => {
      log.info(fields, message);
    },
    warn: (fields, message) => {
      log.warn(fields, message);
    },
    error: (fields, message) => {
      log.error(fields, message);
    },
    child: (fields) => adapt(log.child(fields)),
  };
}
