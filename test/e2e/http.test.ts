import { connect } from "node:net";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_LINE_BYTES } from "../../src/wire/limits.ts";
import type { StateSnapshot } from "../../src/wire/event.ts";
import { operations } from "../../src/wire/operations.ts";
import { IDLE_CLI, TestHive } from "../lib/hive.ts";

/** The operator's HTTP interface, as a stranger and as a browser would use it. */

let hive: TestHive;
let browser: Awaited<ReturnType<TestHive["browser"]>>;
let cookie = "";
beforeAll(async () => {
  // Stopped, so that each message has one event: a turn's would move it behind the next message.
  hive = await new TestHive(IDLE_CLI).start({ manager: false });
  browser = await hive.browser();
  const token = (await hive.call("login", {})).url.split("#token=")[1];
  const answer = await fetch(`${hive.home}/api/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  cookie = answer.headers.get("set-cookie") ?? "";
});
afterAll(() => hive.dispose());

/** A request with exactly these headers, including Host, and the path as it is written. */
function plain(
  method: string,
  path: string,
  headers: Record<string, string>,
  body = "",
): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(hive.home);
    const outgoing = request({ hostname, port, method, path, agent: false, headers: { Host: host, ...headers } }, (incoming) => {
      let text = "";
      incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
      incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
const json = { "Content-Type": "application/json" };
const session = () => ({ Cookie: cookie.split(";")[0] ?? "" });

describe("sessions", () => {
  test("a launch link works once, and becomes a cookie that scripts cannot read", async () => {
    const token = (await hive.call("login", {})).url.split("#token=")[1];
    const enter = () => plain("POST", "/api/login", json, JSON.stringify({ token }));
    const first = await enter();
    expect(first.status).toBe(200);
    const { id } = (await hive.call("state", {})).state.hive;
    expect(String(first.headers["set-cookie"])).toMatch(
      new RegExp(`^hive_${id}=[\\w-]{40,}; Max-Age=\\d+; Path=/; HttpOnly; SameSite=Strict$`),
    );
    const second = await enter();
    expect(second.status).toBe(401);
    expect(second.body).toContain("npx hivectl login");
  });

  test("without a session only the login page, its resources and health are served", async () => {
    expect((await plain("GET", "/healthz", {})).status).toBe(200);
    const login = await plain("GET", "/login", {});
    expect(login.status).toBe(200);
    for (const path of ["/", "/agent/hm1nd", "/index.html"])
      expect((await plain("GET", path, {})).headers["location"], path).toBe("/login");
    for (const path of ["/metrics", "/api/state", "/api/events"]) expect((await plain("GET", path, {})).status, path).toBe(401);
    for (const name of Object.keys(operations).filter((one) => one !== "login"))
      expect((await plain("POST", `/api/${name}`, json, "{}")).status, name).toBe(401);
    expect((await plain("POST", "/op-send", json, '{"to":"hm1nd","body":"x"}')).status).toBe(401);
  });

  test("a made-up cookie is no session", async () => {
    const { id } = (await hive.call("state", {})).state.hive;
    expect((await plain("GET", "/api/state", { Cookie: `hive_${id}=guessed` })).status).toBe(401);
  });

  test("a session is listed and can be ended, which also ends its open stream", async () => {
    const other = await hive.browser();
    const stream = await other("/api/events");
    const { sessions } = await hive.call("sessions", {});
    const newest = sessions.at(-1);
    await hive.call("session_revoke", { id: newest?.id ?? 0 });
    const reader = stream.body?.getReader();
    while (!(await reader?.read())?.done);
    expect((await other("/api/state")).status).toBe(401);
    expect((await browser("/api/state")).status).toBe(200);
  });
});

describe("the origin of a request", () => {
  test.each(["evil.example", "localhost.evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:1"])(
    "Host %j is not ours",
    async (host) => {
      expect((await plain("GET", "/login", { Host: host })).status).toBe(421);
    },
  );

  test("localhost redirects to the canonical address", async () => {
    const { port } = new URL(hive.home);
    const answer = await plain("GET", "/login", { Host: `localhost:${port}` });
    expect(answer).toMatchObject({ status: 307, headers: { location: `${hive.home}/login` } });
  });

  test.each([
    ["another site", { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" }],
    ["another port of this machine", { "Sec-Fetch-Site": "same-site", Origin: "http://127.0.0.1:9" }],
    ["a foreign origin in an old browser", { Origin: "https://evil.example" }],
    ["an opaque origin", { Origin: "null" }],
    ["a typed address", { "Sec-Fetch-Site": "none" }],
  ])("%s may neither act nor listen", async (_what, headers) => {
    for (const name of ["send", "spawn", "destroy", "answer", "shutdown"])
      expect((await plain("POST", `/api/${name}`, { ...json, ...session(), ...headers }, "{}")).status, name).toBe(403);
    for (const path of ["/api/state", "/api/events"])
      expect((await plain("GET", path, { ...session(), ...headers })).status, path).toBe(403);
    expect((await plain("POST", "/api/login", { ...json, ...headers }, '{"token":"x"}')).status).toBe(403);
  });

  test("our own page may", async () => {
    const answer = await plain(
      "POST",
      "/api/list",
      { ...json, ...session(), "Sec-Fetch-Site": "same-origin", Origin: hive.home },
      "{}",
    );
    expect(JSON.parse(answer.body)).toMatchObject({ version: 1, ok: true, agents: ["hm1nd"] });
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
  });
});

describe("requests", () => {
  test("nothing changes by GET, and streams are not served as calls", async () => {
    for (const name of ["send", "spawn", "shutdown"])
      expect((await plain("GET", `/api/${name}`, session())).status, name).toBe(404);
    for (const name of ["watch", "subscribe_agent_status", "hello", "next"])
      expect((await plain("POST", `/api/${name}`, { ...json, ...session() }, "{}")).status, name).toBe(403);
    expect((await plain("POST", "/api/constructor", { ...json, ...session() }, "{}")).status).toBe(404);
  });

  test("bodies that are no JSON, too large, or repeat a key are refused in words", async () => {
    const post = (body: string, headers = json) => plain("POST", "/api/send", { ...headers, ...session() }, body);
    expect(await post("hello")).toMatchObject({ status: 400 });
    expect(await post('{"to":"hm1nd","to":"x","body":"y"}')).toMatchObject({ status: 400 });
    expect(await post('{"to":"hm1nd"}')).toMatchObject({ status: 400, body: expect.stringContaining("body") as string });
    expect(await post("to=hm1nd&body=x", { "Content-Type": "application/x-www-form-urlencoded" })).toMatchObject({ status: 400 });
    const large = await post(`{"to":"hm1nd","body":"${"x".repeat(MAX_LINE_BYTES + 10)}"}`).catch(
      (error: NodeJS.ErrnoException) => ({ status: error.code }),
    );
    expect([413, "ECONNRESET", "EPIPE"]).toContain(large.status);
  });

  test.each([
    "/../../etc/passwd",
    "/assets/../../hive.db",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/assets/%2e%2e%2f%2e%2e%2fpackage.json",
    "//etc/passwd",
    "/\\..\\..\\etc",
  ])("%s does not exist", async (path) => {
    const answer = await plain("GET", path, session());
    expect(answer.body).not.toMatch(/root:|"name": "hyperhive"|SQLite/);
    expect([200, 404, 400, 303]).toContain(answer.status);
  });

  test("a client that writes headers slowly is disconnected, and others are served meanwhile", async () => {
    const { hostname, port } = new URL(hive.home);
    const slow = connect(Number(port), hostname);
    slow.write("GET / HTTP/1.1\r\nHost: ");
    expect((await plain("GET", "/healthz", {})).status).toBe(200);
    slow.destroy();
  });

  test("every answer has the policy that keeps text from becoming code", async () => {
    for (const path of ["/", "/login", "/api/state", "/healthz", "/nowhere.js"]) {
      const { headers } = await plain("GET", path, session());
      expect(headers["content-security-policy"], path).toContain("default-src 'none'; script-src 'self'");
      expect(headers["content-security-policy"], path).toContain("require-trusted-types-for 'script'; trusted-types");
      expect(headers["x-content-type-options"], path).toBe("nosniff");
    }
  });

  test("the app's page contains the state, references few files, and is not cached", async () => {
    const body = "</script><img src=x onerror=alert(1)>";
    await plain("POST", "/op-send", { ...json, ...session() }, JSON.stringify({ to: "hm1nd", body }));
    for (const path of ["/", "/agent/hm1nd", "/index.html"]) {
      const { headers, body: page } = await plain("GET", path, session());
      expect(headers["cache-control"], path).toBe("no-store");
      // A build that splits the first load into many parts would be slow: the first script, the app, and its styles.
      expect(new Set(page.match(/(?<="\/assets\/)[a-z]+(?=-[^"]+\.(?:js|css)")/g)), path).toEqual(
        new Set(["bootstrap", "index"]),
      );
      expect(new Set(page.match(/(?<=")\/assets\/[^"]+(?=")/g)).size, path).toBe(3);
      const [, block = ""] = /<script type="application\/json" id="state">([^<]*)<\/script>/.exec(page) ?? [];
      const state = JSON.parse(block) as StateSnapshot;
      expect(
        state.messages.map((message) => message.body),
        path,
      ).toContain(body);
    }
  });

  test("meta-update takes names of inputs, and lists the existing ones", async () => {
    const post = (body: string) => plain("POST", "/meta-update", { ...json, ...session() }, body);
    const answer = await post('{"inputs":["hyperhive"]}');
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([200, { ok: true, results: expect.any(Array) as unknown }]);
    const unknown = await post('{"inputs":["nixpkgs"]}');
    expect(unknown.status).toBeGreaterThanOrEqual(400);
    expect(unknown.body).toContain("nixpkgs");
    expect((await post("{}")).status).toBe(400);
  });

  test("op-send sends the operator's text through the broker", async () => {
    const answer = await plain("POST", "/op-send", { ...json, ...session() }, '{"to":"hm1nd","body":"by op-send"}');
    expect(JSON.parse(answer.body)).toMatchObject({ ok: true, sent: [{ to: "hm1nd" }] });
    expect(await hive.untilMessage((message) => message.body === "by op-send")).toMatchObject({ from: "operator" });
  });

  test("metrics have the format of Prometheus", async () => {
    const text = await (await browser("/metrics")).text();
    expect(text).toMatch(/hive_agents\{state="\w+"\} 1/);
    expect(text).toContain("hive_calls_total");
    expect(text).toMatch(/^process_cpu_seconds_total 0?\.?[\d.]+$/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d{7,}$/m);
  });
});

describe("the event stream", () => {
  /** Reads events until one satisfies the condition. */
  async function read(
    response: Response,
    until: (event: { id: number; kind: string; data: Record<string, unknown> }) => boolean,
  ) {
    const seen: { id: number; kind: string; data: Record<string, unknown> }[] = [];
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const chunk = await reader?.read();
      if (!chunk || chunk.done) throw new Error("the stream ended");
      text += chunk.value;
      for (let at; (at = text.indexOf("\n\n")) >= 0; text = text.slice(at + 2)) {
        const block = text.slice(0, at);
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
        const data = field("data");
        if (data === undefined) continue;
        const event = {
          id: Number(field("id") ?? 0),
          kind: field("event") ?? "",
          data: JSON.parse(data) as Record<string, unknown>,
        };
        seen.push(event);
        if (until(event)) {
          await reader?.cancel();
          return seen;
        }
      }
    }
  }

  test("resumes from the browser's position: nothing twice, nothing lost, in order", async () => {
    const first = await browser("/api/events?after=0&kinds=message");
    await hive.call("send", { to: "hm1nd", body: "resume one" });
    const seen = await read(first, ({ data }) => (data["message"] as { body?: string }).body === "resume one");
    const position = seen.at(-1)?.id ?? 0;
    await hive.call("send", { to: "hm1nd", body: "resume two" });
    await hive.call("send", { to: "hm1nd", body: "resume three" });
    const second = await browser("/api/events?kinds=message", { headers: { "Last-Event-ID": String(position) } });
    const rest = await read(second, ({ data }) => (data["message"] as { body?: string }).body === "resume three");
    const ids = rest.map((event) => event.id);
    expect(Math.min(...ids)).toBeGreaterThan(position);
    expect([...ids].sort((a, b) => a - b)).toEqual(ids);
    expect(rest.some(({ data }) => (data["message"] as { body?: string }).body === "resume two")).toBe(true);
  });

  test("begins with the latest view of everything, and limits itself to one agent only on request", async () => {
    const all = await read(await browser("/api/events"), ({ kind }) => kind === "agent");
    expect(all.map(({ kind }) => kind)).toEqual(["you", "hive", "agent"]);
    const { seq } = (await hive.call("state", {})).state;
    const one = await read(await browser(`/api/events?after=${seq + 1_000_000}`), ({ kind }) => kind === "reset");
    expect(one.at(-1)?.data).toMatchObject({ kind: "reset" });
  });
});

test("behind a proxy the public address is the hive's: links, cookie and origin are its own, and no other's", async () => {
  const proxied = await new TestHive({ ...IDLE_CLI, HIVE_PUBLIC_URL: "https://hive.example.org" }).start();
  try {
    const { url } = await proxied.call("login", {});
    expect(url).toMatch(/^https:\/\/hive\.example\.org\/login#token=/);
    // As the proxy forwards it: plain HTTP to loopback, with the Host that the browser asked for.
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(await listeningOn(proxied.pid))?.[1]);
    const ask = (headers: Record<string, string>) =>
      new Promise<{ status: number; cookie: string }>((resolve, reject) => {
        const outgoing = request(
          { host: "127.0.0.1", port, method: "POST", path: "/api/login", headers: { ...json, ...headers } },
          (incoming) => {
            incoming.resume();
            resolve({ status: incoming.statusCode ?? 0, cookie: String(incoming.headers["set-cookie"] ?? "") });
          },
        );
        outgoing.on("error", reject);
        outgoing.end(JSON.stringify({ token: url.split("#token=")[1] }));
      });
    expect((await ask({ Host: "evil.example.org" })).status).toBe(421);
    expect((await ask({ Host: "hive.example.org", Origin: "https://evil.example.org" })).status).toBe(403);
    const { status, cookie: given } = await ask({
      Host: "hive.example.org",
      Origin: "https://hive.example.org",
      "Sec-Fetch-Site": "same-origin",
    });
    expect(status).toBe(200);
    expect(given).toMatch(/; Secure/);
  } finally {
    await proxied.dispose();
  }
});

/** The addresses on which a process listens, from the kernel's table. */
async function listeningOn(pid: number): Promise<string> {
  const { readFileSync, readdirSync, readlinkSync } = await import("node:fs");
  const linkOf = (fd: string): string => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ""; // closed since the folder was read
    }
  };
  const inodes = new Set(readdirSync(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(fd))?.[1] ?? []));
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && inodes.has(fields[9] ?? ""))
    .map((fields) => `127.0.0.1:${Number.parseInt(fields[1]?.split(":")[1] ?? "", 16)}`)
    .join(" ");
}
