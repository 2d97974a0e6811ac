import type { Doubled } from "../barrier.ts";

const PROXY = "src/gateway/egress/proxy.ts";
const HEADERS = "src/daemon/http/headers.ts";

/** Barriers that stand behind each other: the removal of one reaches nothing. */
export const doubledBarriers: readonly Doubled[] = [
  {
    name: "egress-literals",
    layers: [
      {
        what: "the check of a written address",
        file: PROXY,
        from: "if ((isIP(host) && !deps.isPublic(host)) || isThisMachine(host))",
        to: "if (false)",
      },
      { what: "the list of hosts", file: PROXY, from: "if (!isListed(list, host, port)) {", to: "if (false) {" },
      {
        what: "the check of every address",
        file: "src/gateway/egress/resolve.ts",
        from: "if (!addresses.every((address) => isPublic(address)))",
        to: "if (false)",
      },
    ],
    opens: ["egress-literal-dotted", "egress-user-info", "ssh-proxied"],
    holds: ["egress-post"],
  },
  {
    name: "files-config",
    layers: [
      {
        what: "that the config is mounted read-only",
        file: "src/platforms/bwrap/spec.ts",
        from: 'cage: "/config", mode: "ro" },',
        to: 'cage: "/config", mode: "rw" },',
      },
      {
        what: "the mode of its files, which are the daemon's",
        file: "src/agents/config-tree.ts",
        from: 'else await writeStable(path, Buffer.from(file.base64, "base64"), file.mode === "100755" ? 0o755 : 0o644);',
        to: 'else {\n      await writeStable(path, Buffer.from(file.base64, "base64"), 0o644);\n      await (await import("node:fs/promises")).chmod(path, 0o666);\n    }',
      },
    ],
    opens: ["files-write-config"],
    holds: ["files-write-run", "files-write-root"],
  },
  {
    name: "kernel-user-namespaces",
    layers: [
      {
        what: "the filter of namespaces",
        file: "src/os/seccomp/filter.ts",
        from: 'when("anyBit", CLONE_NEW | CLONE_NEWTIME, fail(EPERM), allow)',
        to: "allow",
      },
      {
        what: "bubblewrap's --disable-userns",
        file: "src/platforms/bwrap/spec.ts",
        from: '"--unshare-user", "--disable-userns",',
        to: '"--unshare-user",',
      },
    ],
    opens: ["kernel-userns"],
    holds: ["kernel-setns", "kernel-mount"],
  },
  {
    name: "identity-sender",
    layers: [
      {
        what: "that a request has no field but its operation's",
        file: "src/rpc/server.ts",
        from: "const input = parseOrThrow(operations[name].input, line);",
        to: "const input = { ...line, ...parseOrThrow(operations[name].input, line) };",
      },
      {
        what: "that the sender is the socket's",
        file: "src/daemon/handlers/messages.ts",
        from: "context.broker.sending(senderOf(caller), input)",
        to: 'context.broker.sending("from" in input ? { id: String(input.from) } : senderOf(caller), input)',
      },
    ],
    opens: ["identity-forged-sender"],
    holds: ["identity-foreign-recipient", "identity-read-messages"],
  },
  {
    name: "operators-permit",
    layers: [
      {
        what: "the question of a socket for the role",
        file: "src/rpc/server.ts",
        from: "options.permit?.(name);",
        to: "",
      },
      {
        what: "the question of the dispatch for the role",
        file: "src/daemon/dispatch.ts",
        from: "operators.permit(caller.operator, name);",
        to: "",
      },
    ],
    opens: ["operators-viewer-send"],
    holds: ["operators-viewer-web"],
  },
  {
    name: "operators-lowered",
    layers: [
      {
        what: "that a lower role ends connections",
        file: "src/daemon/operators.ts",
        from: "if (isLower) this.#deps.sockets.cutOperator(name);",
        to: "",
      },
      {
        what: "that an open connection has the role that counts now",
        file: "src/daemon/operators.ts",
        from: "      one.role = role;\n",
        to: "",
      },
    ],
    opens: ["operators-lowered"],
    holds: ["operators-viewer-socket"],
  },
  {
    name: "operators-socket",
    layers: [
      {
        what: "the mode with which an operator's socket is made",
        file: "src/daemon/sockets.ts",
        from: "await this.#serveOperator(operator, path, 0o600);",
        to: "await this.#serveOperator(operator, path, 0o666);",
      },
      {
        what: "the mode with which it is given away",
        file: "src/os/unix-user.ts",
        from: "chmodSync(path, 0o600);",
        to: "",
      },
    ],
    opens: ["user-operator-opened"],
    holds: ["user-host-opened"],
  },
  {
    name: "ssh-agent",
    layers: [
      {
        what: "that a cage's environment is listed",
        file: "src/daemon/cage-spec.ts",
        from: "      PATH: CAGE_PATH,\n",
        to: '      PATH: CAGE_PATH,\n      ...(process.env["SSH_AUTH_SOCK"] ? { SSH_AUTH_SOCK: process.env["SSH_AUTH_SOCK"] } : {}),\n',
      },
      {
        what: "that the CLI's environment is listed",
        file: "src/harness/cli/claude/options.ts",
        from: "    ...input.config.env,\n",
        to: '    ...(process.env["SSH_AUTH_SOCK"] ? { SSH_AUTH_SOCK: process.env["SSH_AUTH_SOCK"] } : {}),\n    ...input.config.env,\n',
      },
    ],
    opens: ["ssh-agent"],
    holds: ["ssh-port"],
  },
  {
    name: "cp-target",
    layers: [
      {
        what: "that the target of a copy is not there yet",
        file: "src/cli/copy-out.ts",
        from: "if ((await statOf(target)) !== undefined) throw taken(target);",
        to: "",
      },
      {
        what: "that a copy makes its file anew",
        file: "src/cli/copy-out.ts",
        from: 'await open(target, "wx")',
        to: 'await open(target, "w")',
      },
    ],
    opens: ["cp-target"],
    holds: ["cp-archive-links"],
  },
  {
    name: "browser-frames",
    layers: [
      {
        what: "the page's policy: frame-ancestors",
        file: HEADERS,
        from: "  \"frame-ancestors 'none'\",\n",
        to: "",
      },
      { what: "X-Frame-Options", file: HEADERS, from: 'c.header("X-Frame-Options", "DENY");', to: "" },
    ],
    opens: ["browser-frame-same"],
    holds: ["browser-policy-markup"],
  },
  {
    name: "browser-markup",
    layers: [
      {
        what: "the page's policy: require-trusted-types-for",
        file: HEADERS,
        from: "  \"require-trusted-types-for 'script'\",\n",
        to: "",
      },
      {
        what: "the page's policy: script-src",
        file: HEADERS,
        from: "\"script-src 'self'\",",
        to: "\"script-src 'self' 'unsafe-inline'\",",
      },
    ],
    opens: ["browser-policy-inline"],
    holds: ["browser-policy-base"],
  },
];
