import type { Barrier } from "../barrier.ts";

/** The cage in which the CLI logs in to the model. */
export const loginBarriers: readonly Barrier[] = [
  {
    name: "login-preset",
    what: "that a log-in reaches the hosts of its preset alone",
    file: "src/daemon/login/login-cage.ts",
    from: 'hosts: EGRESS_PRESETS["claude-login"],',
    to: 'hosts: [...EGRESS_PRESETS["claude-login"], "claude.ai:443"],',
    opens: ["login-unlisted"],
    holds: ["login-unlisted-port", "login-loopback"],
  },
  {
    name: "login-address",
    what: "that the operator is shown addresses of the provider alone",
    file: "src/daemon/login/screen.ts",
    from: " && SITES.test(url.hostname)",
    to: "",
    opens: ["login-address"],
    holds: ["login-unlisted"],
  },
  {
    name: "login-terminal",
    what: "one connection to the terminal of a log-in",
    file: "src/daemon/login/login-cage.ts",
    from: "server.maxConnections = 1;",
    to: "",
    opens: ["login-terminal"],
    holds: ["login-unlisted"],
  },
  {
    name: "login-removed",
    what: "that the files of a log-in are removed with its cage",
    file: "src/daemon/login/login-cage.ts",
    from: "await removeTree(deps.paths.loginCage);",
    to: "",
    opens: ["login-plant"],
    holds: ["login-outlive"],
  },
];
