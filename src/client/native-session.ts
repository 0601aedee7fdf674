import { openNative } from '../rpc/native-transport.js';
import { openSessionBy, type Session, type SessionOptions } from './session.js';

/** As openSession, for a program that comes with the daemon and has its addon: it starts faster so. */
export function openNativeSession(options: SessionOptions): Session {
  return openSessionBy(openNative, options);
}
