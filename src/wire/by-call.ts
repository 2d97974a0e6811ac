/**
 * What comes later, handed over by a call and not by a promise: in the moment when it is there, before any promise that is
 * kept in that moment is heard of. It begins when it is called, and calls one of the two, once. `new Promise(it)` makes a
 * promise of it. What is called may run in the middle of telling a commit, so it must not throw.
 */
export type ByCall<T> = (done: (value: T) => void, failed: (error: unknown) => void) => void;
