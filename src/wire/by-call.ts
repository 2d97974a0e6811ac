/**
 * A result that arrives through a callback instead of a promise: in the same tick, before any promise that resolves in
 * that tick. The work begins when the function is called. It calls one of the two callbacks, once. `new Promise(it)`
 * makes a promise of it. A callback may run while a commit is being reported, so it must not throw.
 */
export type ByCall<T> = (done: (value: T) => void, failed: (error: unknown) => void) => void;
