/** Options of the program itself. */
const ownOptions = ["--help", "-h", "--version", "-V"];

/**
 * The command that arguments without one stand for: `--list` is `list`, and everything else, nothing
 * included, is `watch`.
 */
export function withCommand(args: readonly string[]): readonly string[] {
  const [first = ""] = args;
  if (first !== "" && (!first.startsWith("-") || ownOptions.includes(first))) return args;
  return args.includes("--list") ? ["list", ...args.filter((each) => each !== "--list")] : ["watch", ...args];
}
