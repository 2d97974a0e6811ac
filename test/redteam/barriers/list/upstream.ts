import type { Barrier } from "../barrier.ts";

/** Git servers of other hosts. */
export const upstreamBarriers: readonly Barrier[] = [
  {
    name: "upstream-certificate",
    what: "the check of an upstream's certificate",
    file: "src/work/remote/tls.ts",
    from: "    socket: raw,\n",
    to: "    socket: raw,\n    rejectUnauthorized: false,\n",
    opens: ["upstream-certificate"],
    holds: ["upstream-redirect", "upstream-private"],
  },
  {
    name: "upstream-addresses",
    what: "the check of every address of an upstream",
    file: "src/work/remote/dial.ts",
    from: "if (pinned === undefined && !addresses.every((address) => net.isPublic(address)))",
    to: "if (false)",
    opens: ["upstream-private"],
    holds: ["upstream-certificate"],
  },
  {
    name: "upstream-objects",
    what: "git's check of the objects that an upstream sends",
    file: "src/work/remote/source.ts",
    from: 'const CHECKS = `--strict=${LEGACY.map((id) => `${id}=warn`).join(",")}`;',
    to: "const CHECKS = `--max-input-size=${2 ** 40 + LEGACY.length}`;",
    opens: ["upstream-objects"],
    holds: ["upstream-count", "upstream-redirect"],
  },
  {
    name: "upstream-tags",
    what: "the rules for the names of an upstream's tags",
    file: "src/work/remote/source.ts",
    from: " && isTag(ref.slice(TAGS.length))",
    to: "",
    opens: ["upstream-refs"],
    holds: ["upstream-redirect"],
  },
];
