// What leaves the page: copies, files and links.

/** Prefixes of a fragment with a text: compressed, or percent-encoded if the browser cannot compress. */
const COMPRESSED = "#html=";
const PLAIN = "#text=";
/** The longest link in characters: some programs cut longer ones. */
const LONGEST = 32_000;
/** The longest text in bytes that is taken from a link. */
const MOST = 8 * 1024 ** 2;

/** Copies a text; returns whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without permission or a secure context, the old way.
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "hidden-text" });
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}

/** Offers a text as a file. */
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Returns a link to the page with a text in its fragment, which browsers send to no server; nothing if it is too long. */
export async function linkTo(text) {
  const page = location.href.split("#")[0];
  const fragment = typeof CompressionStream === "function" ? COMPRESSED + toBase64(await through(new Blob([text]), new CompressionStream("deflate-raw"))) : PLAIN + encodeURIComponent(text);
  const link = page + fragment;
  return link.length > LONGEST ? undefined : link;
}

/** Returns the text in the fragment of the page; nothing if there is none. */
export async function textOfLink() {
  const fragment = location.hash;
  if (fragment.startsWith(PLAIN)) return decodeURIComponent(fragment.slice(PLAIN.length));
  if (!fragment.startsWith(COMPRESSED)) return undefined;
  const bytes = Uint8Array.from(atob(fragment.slice(COMPRESSED.length).replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(await through(new Blob([bytes]), new DecompressionStream("deflate-raw")));
}

async function through(blob, transform) {
  const reader = blob.stream().pipeThrough(transform).getReader();
  const pieces = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(pieces).arrayBuffer());
    size += value.byteLength;
    if (size > MOST) throw new Error("the text of the link is too long");
    pieces.push(value);
  }
}

function toBase64(bytes) {
  let letters = "";
  for (let at = 0; at < bytes.length; at += 8192) letters += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
