import type { Barrier } from "../barrier.ts";

/** What an agent may want of an upstream behind ssh. */
export const sshBarriers: readonly Barrier[] = [
  {
    name: "ssh-stores",
    what: "that the list of files of /etc has none of ssh",
    file: "src/platforms/bwrap/spec.ts",
    from: '"/etc/fonts",',
    to: '"/etc/fonts",\n  "/etc/ssh",',
    opens: ["ssh-stores"],
    holds: ["ssh-port", "ssh-verbs"],
  },
  {
    name: "ssh-config",
    what: "that a workspace is compared in a repository of git's own",
    file: "src/work/workspace-diff-script.ts",
    from: "export GIT_DIR=${OWN} GIT_WORK_TREE=/repo ",
    to: "export GIT_DIR=/repo/.git GIT_WORK_TREE=/repo ",
    opens: ["ssh-config"],
    holds: ["ssh-port", "ssh-verbs"],
  },
  {
    name: "ssh-key",
    what: "that the folder of keys is one that no cage sees",
    file: "src/lib/paths.ts",
    from: 'return join(this.state, "credentials");',
    to: 'return join(this.repo("mirror"), "objects", "credentials");',
    opens: ["ssh-key"],
    holds: ["ssh-port"],
  },
];
