import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ModelServer } from "../lib/model-server.ts";
import { TestHive } from "../lib/hive.ts";

/** Tries to escape from inside a real cage, as a model would: with its Bash tool, against a live upstream. */

const SECRET = "sk-ant-api03-THIS-IS-THE-HIVES-OWN-KEY-do-not-leak";
/** Runs in the cage: a Node program that prints what it could do as one line of JSON. */
const PROBE = String.raw`
const fs = require("fs"), net = require("net"), { execSync } = require("child_process");
const out = {};
const attempt = (name, run) => { try { out[name] = run(); } catch (error) { out[name] = "refused: " + (error.code || error.message); } };
const connect = (options) => new Promise((done) => { const s = net.connect(options); s.setTimeout(2000, () => done("timeout")); s.on("connect", () => done("connected")); s.on("error", (e) => done(e.code)); });
(async () => {
  attempt("id", () => execSync("id -u; id -g").toString().trim().split("\n").join(" "));
  attempt("capabilities", () => /CapEff:\s*(\S+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]);
  attempt("noNewPrivs", () => /NoNewPrivs:\s*(\d)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]);
  attempt("root", () => fs.readdirSync("/").sort().join(" "));
  attempt("home", () => fs.readdirSync("/home").join(" "));
  attempt("rootHome", () => fs.readdirSync("/root").join(" "));
  attempt("processes", () => fs.readdirSync("/proc").filter((n) => /^\d+$/.test(n)).map((n) => fs.readFileSync("/proc/" + n + "/cmdline", "utf8").split("\0").join(" ").trim()));
  attempt("sockets", () => fs.readdirSync("/run/hive").sort().join(" "));
  attempt("runOthers", () => fs.readdirSync("/run").join(" "));
  attempt("devices", () => fs.readFileSync("/proc/net/dev", "utf8").split("\n").slice(2).map((l) => l.split(":")[0].trim()).filter(Boolean).join(" "));
  attempt("writeConfig", () => fs.writeFileSync("/config/agent.json", "{}"));
  attempt("writeRuntime", () => fs.writeFileSync("/opt/hive/harness/x.js", ""));
  attempt("writeUsr", () => fs.writeFileSync("/usr/x", ""));
  attempt("writeEtc", () => fs.writeFileSync("/etc/passwd", ""));
  attempt("writeSockets", () => fs.writeFileSync("/run/hive/x", ""));
  attempt("unlinkSocket", () => fs.unlinkSync("/run/hive/mcp.sock"));
  attempt("shadow", () => fs.readFileSync("/etc/shadow", "utf8").length);
  attempt("mount", () => execSync("mount -t tmpfs x /tmp 2>&1").toString());
  attempt("userns", () => execSync("unshare -Ur true 2>&1").toString());
  attempt("sudo", () => execSync("ls /usr/bin/sudo && sudo -n true 2>&1").toString());
  attempt("hostname", () => require("os").hostname());
  attempt("hostFile", () => fs.readFileSync(process.env.HOST_FILE || "/nowhere", "utf8"));
  out.hostPort = await connect({ host: "127.0.0.1", port: Number(process.argv[2]) });
  out.hostAddress = await connect({ host: process.argv[3], port: Number(process.argv[2]) });
  out.internet = await connect({ host: "192.0.2.1", port: 80 });
  out.dns = await new Promise((done) => require("dns").lookup("example.com", (e) => done(e ? e.code : "resolved")));
  // Through the configured proxy: a host that is not listed, and the machine itself.
  const proxy = new URL(process.env.HTTPS_PROXY);
  const via = (text) => new Promise((done) => { const s = net.connect(proxy.port, proxy.hostname, () => s.write(text)); let got = ""; s.setTimeout(3000, () => done("timeout")); s.on("data", (d) => got += d); s.on("close", () => done(got.split("\n")[0].trim() + " | " + got.trim().split("\n").pop())); s.on("error", (e) => done(e.code)); });
  const head = (first, host) => [first, "Host: " + host, "Connection: close", "", ""].join("\r\n");
  out.egressUnlisted = await via(head("CONNECT example.com:443 HTTP/1.1", "example.com:443"));
  out.egressHost = await via(head("CONNECT localhost:" + process.argv[2] + " HTTP/1.1", "localhost"));
  out.egressPlain = await via(head("GET http://127.0.0.1:" + process.argv[2] + "/ HTTP/1.1", "127.0.0.1"));
  // Searches for the hive's own key: environment and memory maps of every process, and every file.
  const secret = process.argv[4].split("").reverse().join("");
  const found = [];
  for (const n of fs.readdirSync("/proc").filter((n) => /^\d+$/.test(n))) for (const f of ["environ", "cmdline"]) { try { if (fs.readFileSync("/proc/" + n + "/" + f, "utf8").includes(secret)) found.push("/proc/" + n + "/" + f); } catch {} }
  const walk = (dir) => { for (const e of fs.readdirSync(dir, { withFileTypes: true })) { const p = dir + "/" + e.name; try { if (e.isDirectory()) walk(p); else if (e.isFile() && fs.statSync(p).size < 5e7 && fs.readFileSync(p).includes(secret)) found.push(p); } catch {} } };
  for (const dir of ["/state", "/config", "/home", "/tmp", "/run", "/etc", "/opt/hive/harness", "/opt/hive/bin"]) try { walk(dir); } catch {}
  out.secret = found;
  console.log("PROBE" + JSON.stringify(out) + "PROBE");
})();
`;

describe("from inside a cage", () => {
  let hive: TestHive;
  let model: ModelServer;
  let seen: Record<string, unknown>;
  const host = createServer((socket) => socket.end("host"));

  beforeAll(async () => {
    await new Promise<void>((resolve) => host.listen(0, "0.0.0.0", resolve));
    const port = (host.address() as AddressInfo).port;
    const address =
      Object.values(networkInterfaces())
        .flat()
        .find((one) => one && !one.internal && one.family === "IPv4")?.address ?? "127.0.0.1";
    const command = `cat > /tmp/probe.cjs <<'EOF'\n${PROBE}\nEOF\n/opt/hive/bin/node /tmp/probe.cjs ${port} ${address} ${Array.from(SECRET).reverse().join("")}`;
    model = await new ModelServer([
      { when: { text: "^probe" }, steps: [{ tools: [{ name: "Bash", input: { command, timeout: 60_000 } }] }, { say: "done" }] },
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      { when: { text: "." }, steps: [{ tools: [{ name: "send", input: { to: "operator", body: "pong" } }] }, { say: "done" }] },
    ]).start();
    hive = await new TestHive({ HIVE_REHEARSAL: "0", HIVE_UPSTREAM_URL: model.url, ANTHROPIC_API_KEY: SECRET }).start();
    await hive.call("spawn", { name: "other" });
    await hive.call("send", { to: "other", body: "hello" });
    await hive.untilMessage((message) => message.from === "other");
    await hive.call("send", { to: "hm1nd", body: "probe" });
    const events = await hive.watch(
      (event) => event.kind === "turn" && event.turn.agent === "hm1nd" && event.turn.event.type === "tool_result",
    );
    const last = events.at(-1);
    const text = last?.kind === "turn" && last.turn.event.type === "tool_result" ? last.turn.event.text : "";
    const json = /PROBE(\{.*\})PROBE/s.exec(text)?.[1];
    if (json === undefined) throw new Error(`the probe said: ${text}`);
    seen = JSON.parse(json) as Record<string, unknown>;
  });
  afterAll(async () => {
    await hive.dispose();
    await model.stop();
    await new Promise((resolve) => host.close(resolve));
  });

  test("it is an unprivileged user without capabilities that can gain none", () => {
    expect(seen["id"]).toBe("1000 1000");
    expect(seen["capabilities"]).toBe("0000000000000000");
    expect(seen["noNewPrivs"]).toBe("1");
    for (const attempt of ["mount", "userns", "sudo"]) expect(seen[attempt], attempt).toMatch(/^refused/);
  });

  test("there is no route to the host's loopback, its addresses, any other, or a name server", () => {
    expect(seen["devices"]).toBe("lo");
    expect(seen["hostPort"]).toBe("ECONNREFUSED");
    expect(["ENETUNREACH", "ECONNREFUSED", "EHOSTUNREACH"]).toContain(seen["hostAddress"]);
    expect(seen["internet"]).toBe("ENETUNREACH");
    expect(seen["dns"]).not.toBe("resolved");
  });

  test("its proxy connects to no host that is not listed, and never to the host itself", () => {
    expect(seen["egressUnlisted"]).toMatch(/^HTTP\/1\.1 403 .*example\.com:443 is not on this agent's egress list/);
    for (const way of ["egressHost", "egressPlain"]) expect(seen[way], way).toMatch(/^HTTP\/1\.1 403 /);
  });

  test("it sees only its own files and sockets", () => {
    expect(seen["sockets"]).toBe("egress.sock git.sock mcp.sock model.sock");
    expect(seen["runOthers"]).toBe("hive");
    expect(seen["home"]).toBe("agent");
    expect(seen["rootHome"]).toMatch(/^refused/);
    expect(seen["hostname"]).toBe("h-hm1nd");
    const top = String(seen["root"]).split(" ");
    for (const name of ["boot", "media", "mnt", "srv"]) expect(top).not.toContain(name);
  });

  test("it sees only its own processes", () => {
    const processes = seen["processes"] as string[];
    expect(processes.length).toBeLessThan(12);
    expect(processes.join("\n")).not.toMatch(/hive-c0re|vitest|systemd/);
  });

  test("its read-only files cannot be written", () => {
    for (const attempt of ["writeConfig", "writeRuntime", "writeUsr", "writeEtc", "writeSockets", "unlinkSocket", "shadow"])
      expect(seen[attempt], attempt).toMatch(/^refused/);
  });

  test("the hive's credential is in no file, environment or argument of the cage, in no log and no event; only upstream gets it", async () => {
    expect(seen["secret"]).toEqual([]);
    expect(model.seen.length).toBeGreaterThan(0);
    for (const { headers } of model.seen) expect(headers["x-api-key"]).toBe(SECRET);
    for (const name of ["hm1nd", "other"])
      expect(readFileSync(join(await hive.folderOf(name), "cage.log"), "utf8")).not.toContain(SECRET);
    expect(readFileSync(join(hive.stateDir, "daemon.log"), "utf8")).not.toContain(SECRET);
    expect(hive.output).not.toContain(SECRET);
    for (const file of ["hive.db", "hive.db-wal"])
      expect(readFileSync(join(hive.stateDir, file)).includes(SECRET), file).toBe(false);
    // Only the two paths of the model API are called, with the tools that we allow.
    for (const { path, body } of model.seen) {
      expect(path).toMatch(/^\/v1\/messages(?:\/count_tokens)?\?beta=true$/);
      expect(JSON.stringify(body["tools"] ?? [])).not.toMatch(/web_search|WebFetch|code_execution/);
    }
  });

  test("a live hive shows that it is live", async () => {
    const { state } = await hive.call("state", {});
    expect(state.hive).toMatchObject({ mode: "live", upstream: new URL(model.url).host });
    expect(hive.output).not.toContain("REHEARSAL");
  });
});
