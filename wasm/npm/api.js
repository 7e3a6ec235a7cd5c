// Validates arguments before they are passed to WebAssembly, so that invalid types cannot cause a trap.
import {
  Hasher,
  Preflight,
  Variables,
  explain as coreExplain,
  hasRoot as coreHasRoot,
  renderKey as coreRenderKey,
} from "./wasm.js";
import { HEAD, TEXT } from "./contents.js";
import { forPeople, textsOf } from "./people.js";

export class PreflightError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "PreflightError";
    this.code = code;
  }
}

/** Runs `work` and converts errors of the core to PreflightError. */
function guarded(work) {
  try {
    return work();
  } catch (error) {
    throw converted(error);
  }
}

function converted(error) {
  if (error instanceof PreflightError) return error;
  // The core does not panic: it stops only if memory is exhausted.
  if (error instanceof WebAssembly.RuntimeError) {
    return new PreflightError("out_of_memory", `the input does not fit into memory: ${error.message}`);
  }
  return typeof error?.code === "string" ? new PreflightError(error.code, error.message) : error;
}

/** The number of findings of one kind that a text for people has in full, unless the caller sets another. */
const MAX_FINDINGS = 20;

/** The largest input in bytes: WebAssembly has 4 GiB, in which contents, their archive and parsed texts must fit. */
const MAX_BYTES = 1024 ** 3;

/** Checks the size of all contents before one is copied, since memory of WebAssembly is never returned. */
function checkSize(contents) {
  let total = 0;
  // A text takes a byte for each unit, or more.
  for (const one of contents) total += typeof one === "string" ? one.length : isBytes(one) ? one.byteLength : 0;
  if (total > MAX_BYTES) {
    const size = `${Math.ceil(total / 1024 ** 2)} MB of input; the limit is ${MAX_BYTES / 1024 ** 2} MB`;
    throw new PreflightError("too_large", `${size}. Pass { size, head } for media, or use digestStream`);
  }
}

function entriesOf(files) {
  if (files instanceof Map) return [...files];
  if (files === null || typeof files !== "object" || Array.isArray(files)) {
    throw new PreflightError("invalid_files", "files must be an object or a Map of paths and contents");
  }
  return Object.entries(files);
}

const isBytes = (value) => ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]";

const encoder = new TextEncoder();

/** Checks paths: a backslash or a control character is a finding; what leads elsewhere is a mistake of the caller's. */
function checkPaths(entries) {
  const known = new Set();
  for (const [path] of entries) {
    if (typeof path !== "string") throw new PreflightError("invalid_path", "a path in files is not a string");
    if (path.split("/").some((name) => ["", ".", ".."].includes(name))) {
      const rule = "use a relative path with /, and a name for every segment";
      throw new PreflightError("invalid_path", `${JSON.stringify(path)} is not a valid file path; ${rule}`);
    }
    // Half a surrogate pair becomes U+FFFD, so that two JavaScript strings can be one path.
    const whole = path.replace(/\p{Surrogate}/gu, "\ufffd");
    if (known.has(whole)) throw new PreflightError("invalid_path", `${JSON.stringify(whole)} occurs twice`);
    known.add(whole);
  }
}

function add(preflight, path, contents, takesStubs) {
  if (typeof contents === "string") return preflight.bytes(path, encoder.encode(contents));
  if (isBytes(contents)) return preflight.bytes(path, contents);
  const isStub =
    takesStubs &&
    contents !== null &&
    typeof contents === "object" &&
    Number.isSafeInteger(contents.size) &&
    contents.size >= 0 &&
    [contents.head, contents.tail].every((bytes) => bytes === undefined || isBytes(bytes));
  const { size, head = new Uint8Array(), tail = new Uint8Array() } = isStub ? contents : {};
  if (isStub) return preflight.stub(path, size, head, tail);
  const expected = takesStubs ? "a string, a Uint8Array or { size, head, tail }" : "a string or a Uint8Array";
  throw new PreflightError("invalid_contents", `the contents of ${path} must be ${expected}`);
}

/** For each option: a type check, the expected type for messages, and a function that applies the value. */
const OPTIONS = {
  project: [isString, "a string", (preflight, value) => preflight.project(value)],
  composition: [isString, "a string", (preflight, value) => preflight.path("c", value)],
  compositions: paths("c"),
  partial: [isBoolean, "a boolean", (preflight, value) => value && preflight.path("p", undefined)],
  aspectRatio: [isString, "a string", (preflight, value) => preflight.aspectRatio(value)],
  videoFormat: [isString, "a string", (preflight, value) => preflight.videoFormat(value)],
  variables: [
    isObject,
    "an object",
    (preflight, value) => preflight.variables(stringify(value, "invalid_options", "variables")),
  ],
  values: [
    (value) => Array.isArray(value) && value.every(isValuesFile),
    "an array of { path, text, rows }",
    (preflight, value) => value.forEach(({ path, text, rows }) => preflight.values(path, text, rows === true)),
  ],
  strict: [isBoolean, "a boolean", () => {}],
  deny: [isStrings, "an array of codes", () => {}],
  warn: [isStrings, "an array of codes", () => {}],
  allow: [isStrings, "an array of codes", () => {}],
  severities: severities(false),
  previousSeverities: severities(true),
  changed: [isStrings, "an array of paths", setChanged],
  untracked: paths("u"),
  outside: paths("o", "/"),
  findings: [
    (value) => Array.isArray(value) && value.every(isFinding),
    "an array of { code, path, message, help }",
    (preflight, value) => value.forEach(({ code, path, message, help }) => preflight.finding(code, path, message, help)),
  ],
  maxFindings: [(value) => Number.isInteger(value) && value >= 0, "a whole number", () => {}],
  format: [isString, "a string", () => {}],
};

function setChanged(preflight, paths) {
  // Without a path, nothing has changed.
  preflight.path("d", undefined);
  paths.forEach((path) => preflight.path("d", path));
}

function paths(kind, end = "") {
  return [isStrings, "an array of paths", (preflight, value) => value.forEach((path) => preflight.path(kind, path + end))];
}

function severities(isPrevious) {
  const isLayers = (value) => Array.isArray(value) && value.every(isLayer);
  const isRenders = (value) => Array.isArray(value) && value.every(isLayers);
  const set = (preflight, value) =>
    preflight.severities(stringify(value, "invalid_options", "severities"), isPrevious);
  return [isRenders, "an array with an array of { deny, warn, allow, strict } for each render", set];
}

function isLayer(value) {
  if (!isObject(value)) return false;
  const isKnown = ([name, member]) =>
    member === undefined || (name === "strict" ? isBoolean(member) : ["deny", "warn", "allow"].includes(name) && isStrings(member));
  return Object.entries(value).every(isKnown);
}

function isBoolean(value) {
  return typeof value === "boolean";
}

function isStrings(value) {
  return Array.isArray(value) && value.every(isString);
}

function isString(value) {
  return typeof value === "string";
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isFinding(value) {
  return isObject(value) && [value.code, value.path, value.message, value.help].every(isString);
}

function isValuesFile(value) {
  return (
    isObject(value) && isString(value.path) && isString(value.text) && ["undefined", "boolean"].includes(typeof value.rows)
  );
}

function configure(preflight, options, known) {
  if (!isObject(options)) throw new PreflightError("invalid_options", "options must be an object");
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) {
      throw new PreflightError("invalid_options", `unknown option ${name}; the options are ${known.join(", ")}`);
    }
    if (value === undefined) continue;
    const [fits, expected, apply] = OPTIONS[name];
    if (!fits(value)) throw new PreflightError("invalid_options", `${name} must be ${expected}`);
    apply(preflight, value);
  }
  const { deny, warn, allow, strict } = options;
  // The severities of several renders replace these.
  if (known.includes("severities") && options.severities === undefined) OPTIONS.severities[2](preflight, [[{ deny, warn, allow, strict }]]);
}

function stringify(value, code, what) {
  let json;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new PreflightError(code, `${what} cannot be serialized as JSON: ${error.message}`);
  }
  if (!isString(json)) throw new PreflightError(code, `${what} cannot be serialized as JSON`);
  return json;
}

/** Creates a Preflight with files and options, and passes it to `finish`, which consumes it. */
function prepared(files, options, known, takesStubs, finish) {
  return guarded(() => {
    const entries = entriesOf(files);
    checkSize(entries.map(([, contents]) => contents));
    checkPaths(entries);
    const preflight = new Preflight();
    let isConsumed = false;
    try {
      configure(preflight, options, known);
      for (const [path, contents] of entries) add(preflight, path, contents, takesStubs);
      isConsumed = true;
      return JSON.parse(finish(preflight));
    } finally {
      if (!isConsumed) preflight.free();
    }
  });
}

export function check(files, options = {}) {
  const result = prepared(files, options, Object.keys(OPTIONS), true, (preflight) => preflight.check(options.format ?? "human"));
  const { format = "human", maxFindings = MAX_FINDINGS } = options;
  return format === "human" ? { ...result, text: limited(result, maxFindings) } : result;
}

/** Returns a text for people with at most `most` findings of one kind in full. */
function limited({ diagnostics, text }, most) {
  if (most === 0 || diagnostics.length <= most) return text;
  const texts = textsOf(text, "human");
  return forPeople(diagnostics.map((found, place) => ({ found, text: texts[place] })), most);
}

export function digest(files, options = {}) {
  return prepared(files, options, ["project"], false, (preflight) => preflight.digest());
}


export async function digestStream(files, options = {}) {
  try {
    const [known, hashes] = [new Map(), {}];
    for (const [path, contents] of entriesOf(files)) {
      if (typeof path !== "string") throw new PreflightError("invalid_path", "a path in files is not a string");
      if (typeof contents === "string" || isBytes(contents)) {
        known.set(path, contents);
        continue;
      }
      const { pieces, size, head, sha256 } = await readStream(path, contents, TEXT.test(path));
      if (pieces) known.set(path, await new Blob(pieces).arrayBuffer().then((buffer) => new Uint8Array(buffer)));
      else known.set(path, { size, head });
      if (sha256) hashes[path] = sha256;
    }
    const json = JSON.stringify(hashes);
    return prepared(known, options, ["project"], true, (preflight) => preflight.manifest(json));
  } catch (error) {
    throw converted(error);
  }
}

/** Reads a Blob, a stream or an iterable of bytes: all pieces if `isText`, otherwise size, first bytes and SHA-256. */
async function readStream(path, contents, isText) {
  const source = typeof contents?.stream === "function" ? contents.stream() : contents;
  const isIterable = source?.[Symbol.asyncIterator] || source?.[Symbol.iterator] || typeof source?.getReader === "function";
  if (!isIterable || typeof source === "string") {
    const expected = "a string, a Uint8Array, a Blob, a ReadableStream or an iterable of Uint8Array";
    throw new PreflightError("invalid_contents", `the contents of ${path} must be ${expected}`);
  }
  const [pieces, head] = [[], new Uint8Array(HEAD)];
  let size = 0;
  const hasher = isText ? undefined : new Hasher();
  let isConsumed = false;
  try {
    for await (const piece of iterable(source)) {
      if (!isBytes(piece)) throw new PreflightError("invalid_contents", `a piece of ${path} is not a Uint8Array`);
      if (size < HEAD) head.set(piece.subarray(0, HEAD - size), size);
      size += piece.byteLength;
      if (isText && size > MAX_BYTES) throw new PreflightError("too_large", `${path} is larger than ${MAX_BYTES} bytes`);
      if (isText) pieces.push(piece);
      else hasher.update(piece);
    }
    isConsumed = true;
    return isText ? { pieces } : { size, head: head.slice(0, Math.min(size, HEAD)), sha256: hasher.finish() };
  } finally {
    if (!isConsumed) hasher?.free();
  }
}

/** Some browsers have streams that cannot be iterated. */
async function* iterable(source) {
  if (typeof source.getReader !== "function") return yield* source;
  const reader = source.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export function renderKey(project, request = {}, generation = 0) {
  return guarded(() => {
    const [kind, id, ...more] = isObject(project) ? Object.entries(project).flat() : [];
    if (!["digest", "assetId"].includes(kind) || !isString(id) || more.length > 0) {
      throw new PreflightError("invalid_request", "project must be either { digest } or { assetId }");
    }
    if (!isObject(request)) throw new PreflightError("invalid_request", "request must be an object");
    if (!Number.isInteger(generation) || generation < 0 || generation > 0xffffffff) {
      throw new PreflightError("invalid_request", "generation must be an integer from 0 to 4294967295");
    }
    return coreRenderKey(kind, id, stringify(request, "invalid_request", "request"), generation);
  });
}

function markup(html) {
  if (!isString(html)) throw new PreflightError("invalid_html", "html must be a string");
  checkSize([html]);
  return html;
}

// The declarations of the last composition, and cached verdicts: values are checked row by row, and most rows are similar.
let last;

function declared(html) {
  if (last?.html !== html) {
    last?.variables.free();
    last = undefined;
    const variables = new Variables(html);
    const schema = variables.schema();
    const isEnum = ([, property]) => property.enum !== undefined;
    const enums = new Set(Object.entries(JSON.parse(schema).properties).filter(isEnum).map(([id]) => id));
    last = { html, variables, schema, enums, verdicts: new Map() };
  }
  return last;
}

// The verdict on most values depends only on these kinds. Objects are always checked, since their contents differ.
const [NULL, BOOLEAN, NUMBER, STRING, OBJECT] = [0, 1, 2, 3, 4];

function kindOf(value) {
  switch (typeof value) {
    case "string":
      return STRING;
    case "number":
      return Number.isFinite(value) ? NUMBER : NULL;
    case "boolean":
      return BOOLEAN;
    default:
      return value === null ? NULL : OBJECT;
  }
}

// Maximum number of variable names in the cache.
const MOST_VERDICTS = 1000;

/** Returns the issue of a value, or `null`. */
function verdict({ variables, enums, verdicts }, id, value) {
  let known = verdicts.get(id);
  if (known === undefined) {
    if (verdicts.size >= MOST_VERDICTS) verdicts.clear();
    known = { isEnum: enums.has(id), issues: [], options: new Set() };
    verdicts.set(id, known);
  }
  const kind = kindOf(value);
  const isOption = known.isEnum && kind === STRING;
  const before = isOption ? (known.options.has(value) ? null : undefined) : known.issues[kind];
  if (before !== undefined) return before;
  const [issue = null] = JSON.parse(variables.check(stringify({ [id]: value }, "invalid_values", "values")));
  if (isOption) {
    // Only valid options are cached, because the number of invalid ones is unlimited.
    if (issue === null) known.options.add(value);
  } else if (kind !== OBJECT) {
    known.issues[kind] = issue;
  }
  return issue;
}

export function checkVariables(html, values) {
  return guarded(() => {
    markup(html);
    // Objects with their own toJSON are checked in their JSON form.
    const isOther = typeof values?.toJSON === "function";
    const given = isOther ? JSON.parse(stringify(values, "invalid_values", "values")) : values;
    if (!isObject(given)) throw new PreflightError("invalid_values", "values must be an object");
    const composition = declared(html);
    const issues = [];
    for (const id of Object.keys(given)) {
      const issue = verdict(composition, id, given[id]);
      if (issue !== null) issues.push({ ...issue });
    }
    return issues;
  });
}

export function variablesSchema(html) {
  return guarded(() => JSON.parse(declared(markup(html)).schema));
}

export function isComposition(html) {
  return guarded(() => coreHasRoot(markup(html)));
}

// A test compares this with package.json.
export const version = "0.1.0";

export function explain(code) {
  if (!isString(code)) throw new PreflightError("invalid_options", "code must be a string");
  return guarded(() => JSON.parse(coreExplain(code)));
}
