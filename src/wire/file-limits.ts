/** The folders of an agent whose files an operator sees, as they are called in its cage. */
export const FILE_ROOTS = ["/state", "/work"] as const;
/** Where an agent gets the files that an operator sends. */
export const INBOX_FOLDER = "/state/inbox";

/** Entries of one folder that are listed: more than a person reads. */
export const MAX_FOLDER_ENTRIES = 10_000;
/** Bytes of a file that is shown: what a page and an answer of a socket hold. */
export const MAX_FILE_VIEW_BYTES = 8 * 1024 * 1024;
/** Bytes of a picture that is shown: a screenshot of a large screen. */
export const MAX_PICTURE_BYTES = 5 * 1024 * 1024;
/** Bytes of a download, a file or all files of a folder; and how many of them. */
export const MAX_DOWNLOAD_BYTES = 1024 ** 3;
export const MAX_DOWNLOAD_ENTRIES = 100_000;
/** Bytes of one piece of a download on a socket. It is carried in base64, within the line of an answer. */
export const MAX_PIECE_BYTES = 512 * 1024;

/** Bytes of an upload. */
export const MAX_UPLOAD_BYTES = 64 * 1024 * 1024;
/** Characters of a file's name as its sender calls it. Linux allows 255 bytes. */
export const MAX_FILE_NAME_CHARS = 255;
