import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { egressServer, type EgressRecord } from "../src/gateway/egress/proxy.ts";
import { openBridge, type Bridge } from "../src/harness/bridge.ts";
import { proxyEnvironment } from "../src/harness/proxy-environment.ts";
import { closeHttp, listenHttp } from "../src/rpc/http-listener.ts";
import { FileHost } from "./lib/file-host.ts";
import { registryFiles } from "./lib/registry.ts";

/**
 * Tools that build and install, with the environment of a cage, through the bridge and the egress proxy, to a registry
 * on loopback. `npm run toolchains` has them all; the suite has those that it needs anyway.
 */

const HOST = "registry.example.org";
const HOME = `https://${HOST}`;

let folder: string;
let registry: FileHost;
let proxy: Awaited<ReturnType<typeof listenHttp>>;
let bridge: Bridge;
let env: Record<string, string>;
const records: EgressRecord[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "toolchains-"));
  const files = registryFiles(HOME);
  registry = await new FileHost([HOST], (path) => files.get(path)).start();
  const authority = join(folder, "authority.pem");
  writeFileSync(authority, registry.trust);
  const socket = join(folder, "egress.sock");
  proxy = await listenHttp(
    egressServer("a1", {
      hostsOf: () => [HOST],
      resolve: async () => ["127.0.0.1"],
      isPublic: () => true,
      connect: () => connect({ host: "127.0.0.1", port: registry.port }),
      onRecord: (record) => void records.push(record),
    }),
    socket,
    64,
  );
  bridge = await openBridge(socket);
  env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    // Where rustup has its toolchains, if cargo is its.
    RUSTUP_HOME: process.env["RUSTUP_HOME"] ?? join(homedir(), ".rustup"),
    ...proxyEnvironment(`http://127.0.0.1:${bridge.port}`, {
      MAVEN_OPTS: `-Djavax.net.ssl.trustStore=${join(folder, "trust")} -Djavax.net.ssl.trustStorePassword=changeit`,
    }),
    // A tool trusts the stand-in's authority by its own variable.
    CURL_CA_BUNDLE: authority,
    GIT_SSL_CAINFO: authority,
    NODE_EXTRA_CA_CERTS: authority,
    PIP_CERT: authority,
    CARGO_HTTP_CAINFO: authority,
    SSL_CERT_FILE: authority,
  };
});
beforeEach(() => {
  records.length = 0;
  registry.seen.length = 0;
});
afterAll(async () => {
  bridge.close();
  await Promise.all([closeHttp(proxy), registry.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a tool in a folder of its own. Resolves with what it prints. Rejects, with its words, if it fails. */
async function run(cwd: string, program: string, ...argv: string[]): Promise<string> {
  mkdirSync(join(folder, cwd), { recursive: true });
  try {
    return (await promisify(execFile)(program, argv, { cwd: join(folder, cwd), env })).stdout;
  } catch (error) {
    const { message, stdout } = error as { message: string; stdout?: string };
    throw new Error(`${message}\n${stdout ?? ""}`, { cause: error });
  }
}
const at = (...path: string[]): string => join(folder, ...path);

/** Each tool with what it does. It resolves with true if it has what the registry serves. */
const TOOLS: Record<string, () => Promise<boolean>> = {
  curl: async () => (await run("curl", "curl", "-sS", `${HOME}/file`)) === "hello\n",
  git: async () => {
    await run("git", "git", "clone", "-q", `${HOME}/left.git`);
    return (await run("git/left", "git", "log", "--format=%s")) === "hello\n";
  },
  "fetch of Node": async () =>
    (await run(
      "node",
      process.execPath,
      "-e",
      `fetch("${HOME}/file").then((a) => a.text()).then((t) => process.stdout.write(t))`,
    )) === "hello\n",
  npm: async () => {
    await run("npm", "npm", "install", "left", "--registry", `${HOME}/npm/`, "--no-audit", "--no-fund");
    return existsSync(at("npm/node_modules/left/package.json"));
  },
  pip: async () => {
    await run("pip", "pip3", "--isolated", "download", "left", "--index-url", `${HOME}/simple/`, "--cert", at("authority.pem"));
    return readdirSync(at("pip")).includes("left-1.0-py3-none-any.whl");
  },
};
/** Tools that take hundreds of MiB. */
const LARGE: typeof TOOLS = {
  cargo: async () => {
    mkdirSync(at("cargo/.cargo"), { recursive: true });
    mkdirSync(at("cargo/src"));
    writeFileSync(at("cargo/.cargo/config.toml"), `[registries.own]\nindex = "sparse+${HOME}/cargo/"\n`);
    writeFileSync(
      at("cargo/Cargo.toml"),
      '[package]\nname = "own"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nleft = { version = "1", registry = "own" }\n',
    );
    writeFileSync(at("cargo/src/lib.rs"), "");
    await run("cargo", "cargo", "fetch");
    return readFileSync(at("cargo/Cargo.lock"), "utf8").includes('name = "left"');
  },
  go: async () => {
    const words = [`GOPROXY=${HOME}/go`, "GONOSUMDB=*", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local"];
    const said = await run("go", "env", ...words, "go", "mod", "download", "-json", "example.org/left@v1.0.0");
    return existsSync(join((JSON.parse(said) as { Dir: string }).Dir, "left.go"));
  },
  maven: async () => {
    const trust = ["-importcert", "-noprompt", "-alias", "own", "-file", at("authority.pem"), "-keystore", at("trust")];
    await run("maven", "keytool", ...trust, "-storepass", "changeit");
    const parent = "<parent><groupId>org.example</groupId><artifactId>left</artifactId><version>1.0</version></parent>";
    const from = `<repositories><repository><id>central</id><url>${HOME}/maven</url></repository></repositories>`;
    writeFileSync(
      at("maven/pom.xml"),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>${parent}<artifactId>own</artifactId><packaging>pom</packaging>${from}</project>`,
    );
    return (await run("maven", "mvn", "-B", `-Dmaven.repo.local=${at("m2")}`, "validate")).includes("BUILD SUCCESS");
  },
};

const all = process.env["TOOLCHAINS"] === "all" ? { ...TOOLS, ...LARGE } : TOOLS;

test.each(Object.keys(all))("%s gets its package through the proxy", async (name) => {
  expect(await all[name]?.()).toBe(true);
  expect(registry.seen.length).toBeGreaterThan(0);
});

test("a host that is not listed is denied, and the tool ends with an error", async () => {
  await expect(run("npm", "npm", "view", "left", "--registry", "https://other.example.org/")).rejects.toThrow("403");
  expect(records).toContainEqual(expect.objectContaining({ host: "other.example.org", port: 443, verdict: "not listed" }));
});
