import { Http2SubchannelCall } from '@grpc/grpc-js/build/src/subchannel-call.js';
import type { Writable } from 'node:stream';

type Write = Http2SubchannelCall['sendMessageWithContext'];

/**
 * Lets a client write while the server ends the call. grpc-js ends the request stream when the status comes, even if replies
 * before it wait for their reader; what is written from then on turns the status OK into INTERNAL ("write after end") and drops
 * those replies. Here such a message is dropped instead: nobody would have read it. Its callback is never called, as with
 * every write that grpc-js can't do any more.
 *
 * For all clients of this copy of grpc-js, which has no hook for it: the stream is known to this class alone.
 */
export function dropLateWrites(): void {
  const prototype = Http2SubchannelCall.prototype;
  const write: Write = Reflect.get(prototype, 'sendMessageWithContext');
  prototype.sendMessageWithContext = function (this: Http2SubchannelCall, ...message: Parameters<Write>) {
    const stream = Reflect.get(this, 'http2Stream') as Writable;
    if (!stream.writableEnded) write.apply(this, message);
  };
}
