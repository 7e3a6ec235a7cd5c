/** How much a finding matters. */
export type Severity = "error" | "warning" | "note";

/** A place in a text, both counted from 1; the column counts characters (Unicode code points). */
export interface Position {
  line: number;
  column: number;
}

/** One finding. */
export interface Diagnostic {
  /** Stable identifier, such as `undeclared-variable`; `docs/checks.md` explains each. */
  code: string;
  severity: Severity;
  /** The file, relative to the root of `files`, with `/`. */
  path: string;
  /** Byte offsets into the file's UTF-8, the end exclusive; absent where the finding is about a whole file. */
  span?: { start: number; end: number };
  /** Where the span starts. */
  position?: Position;
  /** Where the span ends: the first character that is not in it. */
  end?: Position;
  /** What is wrong. */
  message: string;
  /** What to do about it. */
  help?: string;
}

/** A file whose contents play no part in the checks, such as a video: enough is known of it without them. */
export interface FileStub {
  /** Size in bytes. */
  size: number;
  /** The file's first bytes, 256 are enough; shows media that git LFS has not fetched. */
  head?: Uint8Array;
}

/** Files by path from the root of the repository, with `/`. */
export type Files<Contents = string | Uint8Array> = Record<string, Contents> | Map<string, Contents>;

/** A text with values for variables. */
export interface ValuesFile {
  /** What findings call it. */
  path: string;
  /** JSON; with `rows` an array, `{"rows": […]}` or one object a line. */
  text: string;
  /** Whether it holds many sets of values. */
  rows?: boolean;
}

export interface CheckOptions {
  /** The project's folder inside `files`, with `/`. Default: the root. */
  project?: string;
  /** The entry inside the project. Default: `index.html`. */
  composition?: string;
  /** The shape that a render will be asked for: `16:9`, `9:16` or `1:1`. */
  aspectRatio?: string;
  /** Values for the entry's variables. */
  variables?: Record<string, unknown>;
  /** Files with values for the entry's variables. */
  values?: ValuesFile[];
  /** Makes warnings errors. */
  strict?: boolean;
  /** Codes whose findings are errors. */
  deny?: string[];
  /** Codes whose findings are warnings. */
  warn?: string[];
  /** Codes whose findings are left out. */
  allow?: string[];
  /** How findings are told in `text`. Default: `human`. */
  format?: "human" | "json" | "github" | "sarif";
}

export interface CheckResult {
  /** Sorted by path and place. */
  diagnostics: Diagnostic[];
  errors: number;
  warnings: number;
  notes: number;
  /** The findings as the command line prints them in `format`. */
  text: string;
  /**
   * The files that references lead to and that `files` does not hold, as paths from its root. Whoever reads files on
   * demand adds those that exist, and checks again.
   */
  missing: string[];
}

/** One thing wrong with a set of values. */
export interface VariableIssue {
  /** Stable identifier, such as `variable-type-mismatch`. */
  code: "undeclared-variable" | "variable-type-mismatch" | "variable-not-in-enum";
  severity: Severity;
  /** The id of the variable. */
  variable: string;
  /** What is wrong. */
  message: string;
  /** What to do about it. */
  help: string | null;
}

/** What `digest` tells: equal to the fields of `hyperframes-ci pack --json` over the same files. */
export interface ArchiveDigest {
  /** The manifest digest, in hexadecimal. */
  digest: string;
  /** SHA-256 of the archive's bytes, in hexadecimal. */
  sha256: string;
  fileCount: number;
  /** The files' sizes before compression, in bytes. */
  contentBytes: number;
  /** The archive's size, in bytes. */
  sizeBytes: number;
}

/** A JSON Schema (draft 2020-12) of an object with values for a composition's variables. */
export interface VariablesSchema {
  $schema: string;
  type: "object";
  properties: Record<string, VariableSchema>;
  additionalProperties: boolean;
}

/**
 * One variable's schema. `title` is its label, `x-hyperframes-type` its declared type, and `x-hyperframes-labels` the
 * labels of an enum's options.
 */
export interface VariableSchema {
  title?: string;
  description?: string;
  default?: unknown;
  "x-hyperframes-type": "string" | "number" | "color" | "boolean" | "enum" | "font" | "image";
  [keyword: string]: unknown;
}

/** What wrong input throws. */
export class PreflightError extends Error {
  /** Stable identifier. */
  constructor(code: string, message: string);
  readonly code:
    | "invalid_files"
    | "invalid_path"
    | "invalid_contents"
    | "invalid_options"
    | "invalid_values"
    | "invalid_html"
    | "invalid_request"
    | "archive_failed";
}

/**
 * Checks a project: declarations, values, bindings, references, size, duration.
 *
 * `files` holds everything of the project (what `.hyperframesignore` leaves out as well, where a reference may lead
 * there) and whatever else of the repository references may reach.
 *
 * @throws {PreflightError} on wrong input; what is wrong with the project is a finding.
 */
export function check(files: Files<string | Uint8Array | FileStub>, options?: CheckOptions): CheckResult;

/**
 * Checks values against the variables that a composition declares. What is wrong with the declarations themselves
 * is told by `check`.
 *
 * @throws {PreflightError} on wrong input.
 */
export function checkVariables(html: string, values: Record<string, unknown>): VariableIssue[];

/**
 * The JSON Schema of a composition's variables; without properties where it declares none.
 *
 * @throws {PreflightError} on wrong input.
 */
export function variablesSchema(html: string): VariablesSchema;

export interface DigestOptions {
  /** The project's folder inside `files`, with `/`. Default: the root. */
  project?: string;
}

/**
 * The manifest digest of a project as it is packed, and the archive's size and SHA-256. What the packer leaves out
 * (dotted names, `node_modules`, what `.hyperframesignore` says) is left out here as well, and files outside the
 * project that references reach are carried along.
 *
 * @throws {PreflightError} on wrong input.
 */
export function digest(files: Files, options?: DigestOptions): ArchiveDigest;

/**
 * The render key: what makes two renders one. It is the `Idempotency-Key` and the `callback_id` of what the command line
 * submits; `docs/identity.md` defines it byte by byte.
 *
 * @param project The manifest digest of a project, or the id of an uploaded archive.
 * @param request The body of the render request; `title`, `callback_id`, `callback_url` and `project` do not count.
 * @param generation 0, and one more for each render that is of no use, such as a failed one.
 * @throws {PreflightError} on wrong input.
 */
export function renderKey(
  project: { digest: string } | { assetId: string },
  request?: Record<string, unknown>,
  generation?: number,
): string;

/** Whether a page has a root, the element with `data-composition-id`. */
export function isComposition(html: string): boolean;

/** The version of this package. */
export const version: string;
