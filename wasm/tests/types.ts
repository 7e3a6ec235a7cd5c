// What callers write, for the compiler: run with `tsc --noEmit --strict`.
import {
  check,
  checkVariables,
  digest,
  isComposition,
  PreflightError,
  renderKey,
  variablesSchema,
  version,
  type ArchiveDigest,
  type CheckOptions,
  type Diagnostic,
  type VariableIssue,
} from "hyperframes-preflight";

const options: CheckOptions = { project: "video", strict: true, deny: ["missing-asset"], format: "sarif" };
const found: Diagnostic[] = check({ "index.html": "<p>", "a.mp4": { size: 1, head: new Uint8Array(1) } }, options).diagnostics;
const line: number | undefined = found[0]?.position?.line;
const issues: VariableIssue[] = checkVariables("<p>", { title: 1 });
const packed: ArchiveDigest = digest(new Map([["a", new Uint8Array(1)]]), { project: "" });
const title: string | undefined = variablesSchema("<p>").properties["title"]?.title;
const known: boolean = isComposition("<p>");
const key: string = renderKey({ digest: packed.digest }, { fps: 24, variables: { title: "x" } }, 1);
const error: Error = new PreflightError("invalid_files", "x");

// @ts-expect-error an unknown option
check({}, { strictly: true });
// @ts-expect-error contents of another type
check({ "index.html": 5 });
// @ts-expect-error digests need contents
digest({ "a.mp4": { size: 5 } });
// @ts-expect-error neither a digest nor an asset
renderKey({ url: "https://x.example/p.zip" });
// @ts-expect-error no values
checkVariables("<p>");

export { error, issues, key, known, line, packed, title, version };
