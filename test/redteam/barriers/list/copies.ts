import type { Barrier } from "../barrier.ts";

const UNPACKING = "src/cli/untar.ts";

/** Copies that operators make of agents' files. */
export const copyBarriers: readonly Barrier[] = [
  {
    name: "cp-kinds",
    what: "that a copy has plain files and folders only",
    file: UNPACKING,
    from: 'if (kind !== "0" && kind !== "5") throw refused(`${shown} is neither a file nor a folder`);',
    to: "",
    opens: ["cp-archive-links", "cp-archive-devices"],
    holds: ["cp-archive-paths", "cp-archive-modes"],
  },
  {
    name: "cp-paths",
    what: "the form of a path in an archive",
    file: UNPACKING,
    from: 'if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\\0")))',
    to: "if (false)",
    opens: ["cp-archive-paths"],
    holds: ["cp-archive-links", "cp-archive-modes"],
  },
  {
    name: "cp-modes",
    what: "that an archive has no set-uid bits",
    file: UNPACKING,
    from: "if ((mode & 0o7000) !== 0) throw refused(`${shown} has a set-uid bit`);",
    to: "",
    opens: ["cp-archive-modes"],
    holds: ["cp-archive-links", "cp-archive-paths"],
  },
  {
    name: "cp-new",
    what: "that every file of a copy is new",
    file: UNPACKING,
    from: "O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode",
    to: "O_WRONLY | O_CREAT, mode",
    opens: ["cp-archive-twice"],
    holds: ["cp-archive-links", "cp-archive-paths"],
  },
  {
    name: "cp-words",
    what: "that a failure of hivectl writes unseen characters out",
    file: "src/cli/shell.ts",
    from: "`hivectl: ${clean(failure.message)}\\n`",
    to: "`hivectl: ${failure.message}\\n`",
    opens: ["cp-name"],
    holds: ["cp-archive-links", "cp-folder"],
  },
  {
    name: "cp-links",
    what: "that a name in a folder is looked at without following it",
    file: "src/files/reader/beneath.ts",
    from: "return lstatSync(inFolder(folder, name), { bigint: true });",
    to: "return fstatSync(openSync(inFolder(folder, name), O_RDONLY | O_NONBLOCK), { bigint: true });",
    opens: ["cp-folder"],
    holds: ["cp-archive-links", "agentfiles-path"],
  },
];
