// Runs Git, without what the environment says about another repository.
import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UsageError } from "./usage-error.js";

/** The largest output of Git in bytes. */
const MOST = 2 ** 31;

/** Returns the nearest directory above, or itself, that contains a `.git`. */
export function repositoryOf(folder) {
  for (; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Runs Git in a repository; `git commit` names the index that it makes a commit of, from the current directory. */
export function git(root, args, input) {
  const { status, stdout, stderr } = start(root, args, input);
  if (status === 0) return stdout;
  const hint = "--base, --changed-since and --staged require a git repository";
  throw new UsageError(`git failed: ${stderr.toString().trim()}`, { code: "git_failed", hint });
}

/** Returns the paths of a repository that Git ignores, tracked or not. */
export function ignoredOf(root, paths) {
  // The exit code is 1 if no path is ignored. Git refuses paths beyond links and in submodules: nothing is ignored then.
  const { stdout } = start(root, ["check-ignore", "--no-index", "-z", "--stdin"], paths.map((path) => `${path}\0`).join(""));
  return new Set(list(stdout));
}

/** Returns the names in a list that is separated by NUL. */
export const list = (bytes) => bytes.toString().split("\0").filter((name) => name !== "");

function start(root, args, input) {
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: "0" };
  delete env.GIT_DIR;
  delete env.GIT_WORK_TREE;
  const index = env.GIT_INDEX_FILE;
  delete env.GIT_INDEX_FILE;
  if (index && repositoryOf(realpathSync(".")) === root) env.GIT_INDEX_FILE = resolve(index);
  const options = { cwd: root, env, input, maxBuffer: MOST, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] };
  const ended = spawnSync("git", ["-c", "core.fsmonitor=false", ...args], options);
  if (!ended.error) return ended;
  const hint = "install git, or remove --base, --changed-since or --staged";
  if (ended.error.code === "ENOENT") throw new UsageError("cannot run git: No such file or directory (os error 2)", { code: "git_not_found", hint });
  // Git ends before it has read all of its input if there is an error, which it explains.
  if (ended.status !== null) return ended;
  throw new UsageError(`git failed: ${ended.error.message}`, { code: "git_failed" });
}
