// Validates arguments before they are passed to WebAssembly, so that invalid types cannot cause a trap.
import {
  Preflight,
  Variables,
  hasRoot as coreHasRoot,
  renderKey as coreRenderKey,
} from "./wasm.js";

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
    if (error instanceof PreflightError || typeof error?.code !== "string") throw error;
    throw new PreflightError(error.code, error.message);
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

function add(preflight, path, contents, takesStubs) {
  if (typeof path !== "string") throw new PreflightError("invalid_path", "a path in files is not a string");
  if (typeof contents === "string") return preflight.text(path, contents);
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
  composition: [isString, "a string", (preflight, value) => preflight.composition(value)],
  aspectRatio: [isString, "a string", (preflight, value) => preflight.aspectRatio(value)],
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
  strict: [(value) => typeof value === "boolean", "a boolean", (preflight, value) => value && preflight.strict()],
  deny: level("deny"),
  warn: level("warn"),
  allow: level("allow"),
  format: [isString, "a string", () => {}],
};

function level(name) {
  const isList = (value) => Array.isArray(value) && value.every(isString);
  return [isList, "an array of codes", (preflight, codes) => codes.forEach((code) => preflight.level(name, code))];
}

function isString(value) {
  return typeof value === "string";
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
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
  return prepared(files, options, Object.keys(OPTIONS), true, (preflight) => preflight.check(options.format ?? "human"));
}

export function digest(files, options = {}) {
  return prepared(files, options, ["project"], false, (preflight) => preflight.digest());
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
