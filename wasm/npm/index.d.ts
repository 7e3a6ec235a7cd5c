/** The severity of a finding. */
export type Severity = "error" | "warning" | "note";

/** A position in a text. Line and column start at 1; the column counts characters (Unicode code points). */
export interface Position {
  line: number;
  column: number;
}

/** One finding. */
export interface Diagnostic {
  /** Stable identifier, such as `undeclared-variable`; explained in `docs/checks.md`. */
  code: string;
  severity: Severity;
  /** The file, relative to the root of `files`, with `/`. */
  path: string;
  /** Byte offsets in the file (UTF-8), end exclusive. Absent if the finding concerns the whole file. */
  span?: { start: number; end: number };
  /** Start of the span. */
  position?: Position;
  /** End of the span: the first character after it. */
  end?: Position;
  /** The problem. */
  message: string;
  /** How to fix it. */
  help?: string;
  /** An automatic fix. */
  fix?: Fix;
  /** `hyperframes/` and a code, for findings of the official linter. Only the command line runs it. */
  source?: string;
}

/** Edits of the file that a finding is about, in source order. */
export interface Fix {
  /** What the edits do. */
  description: string;
  edits: Edit[];
}

/** The replacement of a part of a file. */
export interface Edit {
  /** Byte offsets in the file (UTF-8), end exclusive. */
  span: { start: number; end: number };
  /** Start of the span. */
  position: Position;
  /** End of the span: the first character after it. */
  end: Position;
  /** The new text. */
  text: string;
}

/** A file whose contents are not needed for the checks, such as a video. */
export interface FileStub {
  /** Size in bytes. */
  size: number;
  /**
   * The first bytes of the file: 65,536 of video, sound and images, whose properties are checked; 256 of others, to detect
   * Git LFS pointers.
   */
  head?: Uint8Array;
  /** The last 65,536 bytes of a larger video: it may have its headers there. */
  tail?: Uint8Array;
}

/** Files by path, relative to the root of the repository, with `/`. */
export type Files<Contents = string | Uint8Array> = Record<string, Contents> | Map<string, Contents>;

/** A file with variable values. */
export interface ValuesFile {
  /** The path in findings. */
  path: string;
  /** A JSON object. With `rows`: an array, `{"rows": […]}`, one object per line, or CSV or TSV, depending on the path. */
  text: string;
  /** Whether the file contains rows: many sets of values. */
  rows?: boolean;
}

/** Severities of checks. */
export interface Severities {
  /** Treats warnings as errors. */
  strict?: boolean;
  /** Codes to report as errors. */
  deny?: string[];
  /** Codes to report as warnings. */
  warn?: string[];
  /** Codes to ignore. */
  allow?: string[];
}

export interface CheckOptions {
  /** The project directory in `files`, with `/`. Default: the root. */
  project?: string;
  /** The entry HTML file, relative to the project. Default: `index.html`. */
  composition?: string;
  /** Several entries. */
  compositions?: string[];
  /** Whether the entries are parts that are not rendered on their own, such as blocks: `index.html` need not exist. */
  partial?: boolean;
  /** The requested aspect ratio: `16:9`, `9:16` or `1:1`. */
  aspectRatio?: string;
  /** The requested container: `mp4`, `webm` or `mov`. */
  videoFormat?: string;
  /** Values of the entry's variables. */
  variables?: object;
  /** Files with values of the entry's variables. */
  values?: ValuesFile[];
  /** Treats warnings as errors. */
  strict?: boolean;
  /** Codes to report as errors. */
  deny?: string[];
  /** Codes to report as warnings. */
  warn?: string[];
  /** Codes to ignore. */
  allow?: string[];
  /**
   * Severities of several renders of the project, which replace `strict`, `deny`, `warn` and `allow`: the highest severity of
   * a finding counts. Each has layers, of which later ones override earlier ones.
   */
  severities?: Severities[][];
  /** Changed files, also deleted ones: only findings about compositions that use one are reported. */
  changed?: string[];
  /** With `changed`: the severities before a change. Findings whose severity differs are reported too. */
  previousSeverities?: Severities[][];
  /** Files that exist, but are not in `files` because they are not committed. Findings say how to add them. */
  untracked?: string[];
  /** Symbolic links that lead outside of the repository, and are not in `files`. */
  outside?: string[];
  /** Findings about paths that are not files, such as links that lead nowhere. Those about ignored paths are left out. */
  findings?: { code: string; path: string; message: string; help: string }[];
  /** Findings of one kind that `text` has in full with the format `human`; 0 = all. Default: 20. */
  maxFindings?: number;
  /** The format of `text`. Default: `human`. */
  format?: "human" | "json" | "github" | "sarif";
}

export interface CheckResult {
  /** The findings, sorted by path and position. */
  diagnostics: Diagnostic[];
  errors: number;
  warnings: number;
  notes: number;
  /** Number of checked compositions. With `changed`: of those that use a changed file. */
  compositions: number;
  /** The findings as the command line prints them in `format`. */
  text: string;
  /**
   * Referenced files that `files` does not contain, as paths relative to its root. If you load files on demand, add
   * those that exist and check again.
   */
  missing: string[];
  /** With `changed`: the files that compositions use, including missing ones. */
  used?: string[];
}

/** A problem with a variable value. */
export interface VariableIssue {
  /** Stable identifier, such as `variable-type-mismatch`. */
  code: "undeclared-variable" | "variable-type-mismatch" | "variable-not-in-enum";
  severity: Severity;
  /** The id of the variable. */
  variable: string;
  /** The problem. */
  message: string;
  /** How to fix it. */
  help: string | null;
}

/** The result of `digest`, identical to the fields of `hyperframes-ci pack --json` for the same files. */
export interface ArchiveDigest {
  /** The manifest digest, in hexadecimal. */
  digest: string;
  /** SHA-256 of the archive's bytes, in hexadecimal. */
  sha256: string;
  fileCount: number;
  /** Total size of the files before compression, in bytes. */
  contentBytes: number;
  /** Size of the archive, in bytes. */
  sizeBytes: number;
}

/** A JSON Schema (draft 2020-12) for the values of a composition's variables. */
export interface VariablesSchema {
  $schema: string;
  type: "object";
  properties: Record<string, VariableSchema>;
  additionalProperties: boolean;
}

/**
 * The schema of a variable. `title` is its label, `x-hyperframes-type` its declared type, and `x-hyperframes-labels` the
 * labels of an enum's options.
 */
export interface VariableSchema {
  title?: string;
  description?: string;
  default?: unknown;
  "x-hyperframes-type": "string" | "number" | "color" | "boolean" | "enum" | "font" | "image";
  [keyword: string]: unknown;
}

/** Thrown for invalid arguments. */
export class PreflightError extends Error {
  /** Creates an error with a stable identifier and a message. */
  constructor(code: string, message: string);
  readonly code:
    | "invalid_files"
    | "invalid_path"
    | "invalid_contents"
    | "invalid_options"
    | "invalid_values"
    | "invalid_html"
    | "invalid_request"
    | "archive_failed"
    | "too_large"
    | "out_of_memory";
}

/**
 * Checks a project: declarations, values, bindings, references, size and duration.
 *
 * `files` contains the files of the project, including those that `.hyperframesignore` excludes, and other files of the
 * repository that the project refers to.
 *
 * @throws {PreflightError} if an argument is invalid. Problems of the project are findings.
 */
export function check(files: Files<string | Uint8Array | FileStub>, options?: CheckOptions): CheckResult;

/**
 * Checks values against the variables that a composition declares. Problems of the declarations are reported by `check`.
 *
 * @throws {PreflightError} if an argument is invalid.
 */
export function checkVariables(html: string, values: object): VariableIssue[];

/**
 * Returns the JSON Schema of a composition's variables. It has no properties if the composition declares no variables.
 *
 * @throws {PreflightError} if an argument is invalid.
 */
export function variablesSchema(html: string): VariablesSchema;

export interface DigestOptions {
  /** The project directory in `files`, with `/`. Default: the root. */
  project?: string;
}

/**
 * Returns the manifest digest of a project, and the size and SHA-256 of its archive. As in an archive, hidden files,
 * `node_modules` and files that `.hyperframesignore` excludes are left out, and referenced files outside the project are
 * included.
 *
 * @throws {PreflightError} if an argument is invalid.
 */
export function digest(files: Files, options?: DigestOptions): ArchiveDigest;

/**
 * Returns the render key, which is equal for identical renders. The command line submits it as `Idempotency-Key` and
 * `callback_id`. The format is defined in `docs/identity.md`.
 *
 * @param project The manifest digest of a project, or the id of an uploaded archive.
 * @param request The body of the render request; `title`, `callback_id`, `callback_url` and `project` are ignored.
 * @param generation 0, plus 1 for each earlier render that cannot be reused, such as a failed one.
 * @throws {PreflightError} if an argument is invalid.
 */
export function renderKey(
  project: { digest: string } | { assetId: string },
  request?: object,
  generation?: number,
): string;

/** Contents that are read piece by piece: a `Blob` such as a `File`, a `ReadableStream`, or an iterable of bytes. */
export type Streamed =
  | string
  | Uint8Array
  | { stream(): object }
  | { getReader(): object }
  | Iterable<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** Identifies the contents of a project. */
export type ManifestDigest = Pick<ArchiveDigest, "digest" | "fileCount" | "contentBytes">;

/**
 * Returns the manifest digest of a project, as `digest` does, without its archive. Media are read piece by piece and never
 * in memory as a whole, so that their size is not limited.
 *
 * Rejects with a `PreflightError` if an argument is invalid, and with the error of a stream.
 */
export function digestStream(files: Files<Streamed>, options?: DigestOptions): Promise<ManifestDigest>;

/** The explanation of a check. */
export interface Explanation {
  code: string;
  severity: Severity;
  group: string;
  summary: string;
  explanation: string;
  url: string;
}

/**
 * Explains a check.
 *
 * @throws {PreflightError} if the code is unknown.
 */
export function explain(code: string): Explanation;

/** Returns whether a page is a composition, that is, has an element with `data-composition-id`. */
export function isComposition(html: string): boolean;

/** The version of this package. */
export const version: string;
