/** A protobuf Any kept byte for byte. */
export interface OpaqueAny {
  /** Bare full name, such as `containerd.events.ImageCreate`, or as a foreign client gave it. */
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/**
 * What happened: for our own events the message's type name and its fields by their names in the .proto (the service encodes them);
 * for published foreign ones the bytes.
 */
export type EventPayload =
  { readonly type: string; readonly fields: Readonly<Record<string, unknown>> } | { readonly any: OpaqueAny };

/** An event on a topic such as `/images/create`. `fields` must survive JSON (times as ISO text, 64-bit numbers as text, no bytes). */
export interface Event {
  readonly topic: string;
  readonly payload: EventPayload;
}

export interface Envelope extends Event {
  /** Number in the journal; grows by one with every event, never reused. */
  readonly sequence: number;
  /** Nanoseconds since 1970. */
  readonly timestampNs: bigint;
  readonly namespace: string;
}

/** The numbered record of everything that changed. */
export interface Journal {
  /** Writes an event in a transaction of its own. @param timestampNs Given when forwarded. */
  append(namespace: string, event: Event, timestampNs?: bigint): Promise<Envelope>;
  /**
   * Everything after this very call (or from `from` on), of all namespaces, without gap or duplicate. A slow reader blocks nobody: it
   * reads on from the database. Ends when the signal aborts.
   *
   * @throws out-of-range: `from` is no longer kept, or more than one beyond the newest. While reading: the reader was so slow that what
   * comes next is no longer kept.
   */
  subscribe(options: { readonly from?: number; readonly signal: AbortSignal }): AsyncIterable<Envelope>;
  /** The number of the oldest event that is kept; that of the next one when there is none. */
  oldest(): number;
  /** The number of the newest event; 0 for none yet. */
  last(): number;
}
