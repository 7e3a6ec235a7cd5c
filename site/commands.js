// The commands for what the page shows.

/** Returns an argument as POSIX shells read it. */
export function quoted(argument) {
  if (/^[\w./:@%+,=-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

/** Returns the commands that check and render a project with options. */
export function commandsOf({ path, composition, aspectRatio, rows, values }) {
  const folder = path === "" ? "." : path.startsWith("-") ? `./${path}` : path;
  const shared = [];
  if (composition) shared.push("--composition", composition);
  if (aspectRatio) shared.push("--aspect-ratio", aspectRatio);
  const variables = values ? ["--variables", JSON.stringify(values)] : [];
  const line = (...words) => words.map(quoted).join(" ");
  return {
    check: line("hyperframes-ci", "check", folder, ...shared, ...(rows ? ["--rows", rows] : []), ...variables),
    render: line("hyperframes-ci", "render", folder, ...shared, ...(rows ? ["--batch", rows] : variables)),
  };
}
