// Which files the checks read, and how much of the others.

/** Files that the checks read as a whole: they refer to others, or decide which of them are packed. */
export const TEXT = /(\.(html?|css|[cm]?js)|(^|\/)\.hyperframesignore)$/i;
/** Number of bytes at the start of a file that are checked. */
export const HEAD = 256;
/** Number of bytes at the start and at the end of media files that are checked. */
export const EDGE = 64 * 1024;
/** Names of media files. */
export const MEDIA = /\.(mp4|m4v|m4a|mov|webm|mkv|mp3|wav|flac|png|jpe?g|gif|webp|svg)$/i;
