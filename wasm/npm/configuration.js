// hyperframes-ci.toml: checked against its published schema, and its severities. Reads no file, so that pages can use it.
import { parse } from "smol-toml";
import { UsageError } from "./usage-error.js";

/** Parses the text of a configuration, which `schema` describes. Throws a UsageError with all mistakes. */
export function parseConfiguration(text, path, schema) {
  let parsed;
  try {
    parsed = parse(text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n"));
  } catch (error) {
    throw new UsageError(`${path}: ${error.message.trim()}`);
  }
  const mistakes = [...validate(parsed, schema, schema, "")];
  const { check: base = {}, defaults = {}, render: entries = [] } = parsed;
  if (mistakes.length === 0) mistakes.push(...mistakesOf(entries));
  if (mistakes.length > 0) throw new UsageError(mistakes.map((mistake) => `${path}: ${mistake}`).join("\n"));
  const entry = (own) => ({ ...own, project: normalize(own.project), check: own.check ?? {}, format: own.format ?? defaults.format });
  return { check: base, defaults, entries: entries.map(entry) };
}

/** Options of an entry that exclude each other. */
const CONFLICTS = [["variables", "variables-file"], ["fail-fast", "max-failures"]];

/** Yields what is wrong with entries, beyond what the schema says. */
function* mistakesOf(entries) {
  const names = new Set();
  for (const entry of entries) {
    const isInside = entry.project !== "" && !entry.project.startsWith("/") && !entry.project.split("/").includes("..");
    if (!isInside) yield "project must be the path of a directory inside the repository";
    if (entry.name !== undefined && !/^[a-z0-9][a-z0-9._-]{0,99}$/i.test(entry.name)) {
      yield "name must start with a letter or digit and contain only letters, digits, -, _ and . (up to 100)";
    }
    for (const [one, other] of CONFLICTS) {
      if (entry[one] !== undefined && entry[other] !== undefined) yield `${one} and ${other} cannot be used together`;
    }
    const name = entry.name ?? slug(`${entry.project}/${entry.composition ?? ""}`);
    if (names.has(name)) yield `duplicate entry name ${JSON.stringify(name)}; set a different name = "..."`;
    names.add(name);
  }
}

/** Returns the name of an entry that has none. */
function slug(path) {
  const short = path.replace(/\/+$/, "").replace(/(\.html)+$/, "").replace(/(index)+$/, "");
  const name = short.replace(/[^a-z0-9]/gi, "-").toLowerCase().replace(/^-+|-+$/g, "").slice(0, 60);
  return name === "" ? "video" : name;
}

/** Returns a path without `.`, `..` and empty segments. */
export function normalize(path) {
  const segments = [];
  for (const segment of path.split("/")) {
    if (segment === ".." && segments.length > 0 && segments.at(-1) !== "..") segments.pop();
    else if (segment !== "." && segment !== "") segments.push(segment);
  }
  return `${path.startsWith("/") ? "/" : ""}${segments.join("/")}`;
}

/** Returns the severities of a project, for the checks: those of each of its entries, below those of the flags. */
export function layers({ check: base, entries }, project, own) {
  const all = entries.filter((entry) => entry.project === project).map((entry) => [base, entry.check, own]);
  return all.length > 0 ? all : [[base, own]];
}

/** Returns the format of the video of a project, for the checks: the first one of its entries with transparency. */
export function videoFormat({ entries }, project) {
  return entries.find((entry) => entry.project === project && ["webm", "mov"].includes(entry.format))?.format;
}

/** Yields what is wrong with a value. Supports what the schema uses. */
function* validate(value, schema, root, place) {
  if (schema.$ref) return yield* validate(value, resolveRef(root, schema.$ref), root, place);
  const at = place || "the configuration";
  if (schema.oneOf) {
    const fits = schema.oneOf.some((one) => validate(value, one, root, place).next().done);
    if (!fits) yield `${at} is invalid`;
    return;
  }
  if (schema.enum && !schema.enum.includes(value)) return yield `${at} must be one of ${schema.enum.join(", ")}`;
  const types = [schema.type ?? []].flat();
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) {
    return yield `${at} must be ${types.map((type) => NAMES[type]).join(" or ")}`;
  }
  if (typeof value === "number" || typeof value === "bigint") {
    if (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity)) yield `${at} is out of range`;
  } else if (typeof value === "string") {
    if (schema.pattern && !new RegExp(schema.pattern, "u").test(value)) yield `${at} is invalid: ${JSON.stringify(value)}`;
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* validate(item, schema.items ?? {}, root, `${place}[${index}]`);
  } else if (isOfType(value, "object")) {
    for (const name of schema.required ?? []) if (!(name in value)) yield `${at} has no ${name}`;
    for (const [name, member] of Object.entries(value)) {
      const inside = place ? `${place}.${name}` : name;
      const known = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      if (known) yield* validate(member, known, root, inside);
      else if (schema.additionalProperties === false) yield `unknown key ${JSON.stringify(name)}${place ? ` in ${place}` : ""}`;
    }
  }
}

const NAMES = { string: "a string", integer: "a whole number", number: "a number", boolean: "true or false", array: "an array", object: "a table" };

function isOfType(value, type) {
  if (type === "array") return Array.isArray(value);
  if (type === "object") return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
  if (type === "integer") return Number.isInteger(value) || typeof value === "bigint";
  return typeof value === type;
}

function resolveRef(root, ref) {
  return ref.slice(2).split("/").reduce((schema, name) => schema[name], root);
}
