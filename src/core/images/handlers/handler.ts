import type { Descriptor } from '../../../spec/descriptor.js';

/** Does something with one descriptor and says which ones lie below it. */
export type Handler = (target: Descriptor, signal: AbortSignal) => Promise<readonly Descriptor[]>;

/**
 * Answers of a handler with a meaning of their own, told by identity. SKIP_DESCRIPTOR: leave this descriptor, and do not descend, whatever
 * other handlers found. STOP_HANDLING: handlers that come later in the order leave this descriptor alone; what was found stays.
 */
export const SKIP_DESCRIPTOR: readonly Descriptor[] = Object.freeze([]);
export const STOP_HANDLING: readonly Descriptor[] = Object.freeze([]);

/** Nothing lies below, or this handler doesn't look. */
export const NO_CHILDREN: readonly Descriptor[] = Object.freeze([]);

/** Handlers one after another on one descriptor; children are collected, the first error ends it. */
export function inOrder(...steps: readonly Handler[]): Handler {
  return async (target, signal) => {
    const children: Descriptor[] = [];
    for (const step of steps) {
      signal.throwIfAborted();
      const found = await step(target, signal);
      if (found === SKIP_DESCRIPTOR) return SKIP_DESCRIPTOR;
      if (found === STOP_HANDLING) break;
      children.push(...found);
    }
    return children;
  };
}

/** A handler for its effect only: it finds no children. */
export function effect(act: (target: Descriptor, signal: AbortSignal) => Promise<void> | void): Handler {
  return async (target, signal) => {
    await act(target, signal);
    return NO_CHILDREN;
  };
}

/** Changes what `handler` found; its special answers pass untouched. */
export function mapChildren(
  handler: Handler,
  change: (
    children: readonly Descriptor[],
    target: Descriptor,
    signal: AbortSignal,
  ) => Promise<readonly Descriptor[]> | readonly Descriptor[],
): Handler {
  return async (target, signal) => {
    const children = await handler(target, signal);
    if (children === SKIP_DESCRIPTOR || children === STOP_HANDLING) return children;
    return change(children, target, signal);
  };
}
