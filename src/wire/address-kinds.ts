/** What an address is, before it is parsed. Without zod, so that pages can ask. */

/**
 * The repository that the tour's repository follows, on a host that a hive in rehearsal plays itself. No network has a
 * name that ends in `.invalid` (RFC 2606).
 */
export const REHEARSED_ADDRESS = "https://rehearsal.invalid/tour/greeter.git";

/** True if an address is that of the rehearsed host. */
export const isRehearsed = (address: string): boolean => address === REHEARSED_ADDRESS;

/** True if an address is one of a page there, such as that of a pull request. No browser can open it. */
export const isRehearsedPage = (address: string): boolean => address.startsWith("https://rehearsal.invalid/");

/** What the rehearsed host is, for people. */
export const REHEARSED_WORDS = "a rehearsed host inside this hive: nothing leaves it, and it merges by itself";

/** True if an address is one of ssh. */
export const isSsh = (address: string): boolean => !/^https:/i.test(address);

/** True if a text is meant as an address of another host, not as a folder. */
export const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^[^/\s]+@[^/\s]+:/.test(text);
