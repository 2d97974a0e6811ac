/** What an address is, before it is parsed. Without zod, so that pages can ask. */

/** True if an address is one of ssh. */
export const isSsh = (address: string): boolean => !/^https:/i.test(address);

/** True if a text is meant as an address of another host, not as a folder. */
export const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^[^/\s]+@[^/\s]+:/.test(text);
