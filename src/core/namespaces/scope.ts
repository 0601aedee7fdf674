/** In whose name a call acts. A port's method never takes a namespace: a `Scoped` factory gives the port for one scope. */
export interface Scope {
  readonly namespace: string;
  /** What the call makes or names joins this lease. */
  readonly lease?: string;
  /** What is made here need survive a power cut only with the end of the operation that it is a step of, which is durable. */
  readonly partOfOperation?: boolean;
}

/** Gives the port as seen from one namespace (and lease); cheap to call for every request. */
export type Scoped<Port> = (scope: Scope) => Port;
