/**
 * Digits of a commit's name wherever people read or compare it; host.sock fixes the number for `deployed_sha`. The owner
 * of a change can make a second commit with the same seven digits in a minute, twelve take years.
 */
export const SHORT_SHA_DIGITS = 12;

/** A commit's name in short form. */
export const shortSha = (sha: string): string => sha.slice(0, SHORT_SHA_DIGITS);
