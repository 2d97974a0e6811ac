import { execFile } from "node:child_process";
import { once } from "node:events";
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as SecureAgent, createServer, request as secureRequest } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gateway } from "../../src/gateway/gateway.ts";
import { connectLines } from "../../src/rpc/client.ts";
import { AgentConfig } from "../../src/wire/config.ts";
import { certificates } from "../../test/lib/certificates.ts";
import { TestHive } from "../../test/lib/hive.ts";
import type { Figure, Row } from "../lib/row.ts";
import { interleave, median, ratio, type Contender } from "../lib/stats.ts";

const AGENT = "scout";
/** Files of the folder that is listed, and bytes of the file that is downloaded. */
const FILES = 10_000;
const FILE_BYTES = 100 * 1024 * 1024;
/** Calls of one slice to a door and to the API itself. */
const CALLS = 100;
const HOST = "api.example.com";
const TOKEN = "a-token-of-the-bench";

/** Files of agents and API doors, against what the host needs for the same without the hive. */
export const files: Row = {
  name: "files",
  async run({ quick }) {
    const slices = quick ? 3 : 15;
    return [...(await filesOfAgents(slices)), await doorCalls(slices)];
  },
};

async function filesOfAgents(slices: number): Promise<Figure[]> {
  const hive = new TestHive({ HIVE_LOG_LEVEL: "error", HIVE_AGENT_PORTS: "off" });
  try {
    await hive.start();
    await hive.call("spawn", { name: AGENT });
    await hive.untilAgent(AGENT, (agent) => agent.state === "idle");
    await hive.call("stop", { scope: { all: true }, graceful: false });
    const state = join(await hive.folderOf(AGENT), "state");
    const many = join(state, "many");
    mkdirSync(many);
    for (let n = 0; n < FILES; n++) writeFileSync(join(many, `file-${n}.txt`), "x");
    const large = join(state, "large");
    writeFileSync(large, Buffer.alloc(FILE_BYTES, "abcdefgh"));

    const host = await connectLines(hive.socket, { ordered: true });
    const listed = await interleave(
      {
        hive: timed(async () => {
          const { entries } = await host.call("file_list", { name: AGENT, path: "/state/many" });
          if (entries.length !== FILES) throw new Error(`the hive lists ${entries.length} files`);
        }),
        find: timed(() => find(many)),
      },
      slices,
    );
    host.close();
    const headers = { cookie: await logIn(hive) };
    const from = { port: Number(new URL(hive.home).port), path: `/api/download/${AGENT}?path=/state/large`, headers };
    const read = await interleave(
      {
        hive: timed(async () => whole(await answered(request({ host: "127.0.0.1", ...from })))),
        bare: timed(() => whole(createReadStream(large))),
      },
      slices,
    );
    return [
      figure("a list of 10,000 files, against `find`", listed.hive, listed.find, 3),
      figure("a download of 100 MiB, against reading the file", read.hive, read.bare, 2),
    ];
  } finally {
    await hive.dispose();
  }
}

/** Lists a folder with what the hive shows of each file. */
function find(folder: string): Promise<void> {
  const argv = [folder, "-mindepth", "1", "-maxdepth", "1", "-printf", "%f %y %s %b %m %T@\\n"];
  return new Promise((resolve, reject) => {
    execFile("find", argv, { maxBuffer: 1 << 26 }, (error, out) => {
      if (error) reject(error);
      else if (out.split("\n").length !== FILES + 1) reject(new Error("find has found something else"));
      else resolve();
    });
  });
}

async function logIn(hive: TestHive): Promise<string> {
  const { url } = await hive.call("login", {});
  const body = JSON.stringify({ token: url.split("#token=")[1] });
  const options: RequestOptions = {
    host: "127.0.0.1",
    port: new URL(hive.home).port,
    path: "/api/login",
    method: "POST",
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
  };
  const asked = request(options);
  asked.write(body);
  const answer = await answered(asked);
  answer.resume();
  return answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
}

async function answered(asked: ReturnType<typeof request>): Promise<IncomingMessage> {
  asked.end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  if (answer.statusCode !== 200) throw new Error(`answered with ${answer.statusCode}`);
  return answer;
}

async function whole(bytes: AsyncIterable<Buffer>): Promise<void> {
  let length = 0;
  for await (const chunk of bytes) length += chunk.length;
  if (length !== FILE_BYTES) throw new Error(`${length} bytes have arrived`);
}

/** Calls of an API on loopback, through a door and without it, each over a connection that is kept. */
async function doorCalls(slices: number): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), "bench-doors-"));
  const { authority, key, certificate } = certificates([`DNS:${HOST}`]);
  const api = createServer({ key, cert: certificate }, (incoming, outgoing) => {
    incoming.resume();
    outgoing.end('{"items":[]}');
  });
  api.listen(0, "127.0.0.1");
  await once(api, "listening");
  const { port } = api.address() as AddressInfo;
  const { apis } = AgentConfig.parse({
    apis: { api: { url: `https://${HOST}`, secret: "GH", header: "authorization: Bearer {}", allow: ["GET /**"] } },
  });
  const listening = await new Gateway({
    model: {} as never,
    egress: {
      hostsOf: () => [],
      resolve: async () => ["192.0.2.1"],
      isPublic: () => true,
      connect: () => connect({ host: "127.0.0.1", port, noDelay: true }),
      doors: {
        apisOf: () => apis,
        secret: () => ({ value: TOKEN, hidden: [TOKEN], place: "[secret GH]" }),
        ca: authority,
      },
      onRecord: () => {},
    },
  }).listen({ id: "a1", name: AGENT }, { model: join(folder, "model.sock"), egress: join(folder, "egress.sock") });
  const agent = new SecureAgent({ keepAlive: true, ca: authority });
  const through = () => request({ socketPath: join(folder, "egress.sock"), path: "/api/items" });
  const direct = () =>
    secureRequest({
      host: "127.0.0.1",
      port,
      path: "/items",
      agent,
      servername: HOST,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
  try {
    const seen = await interleave({ hive: timed(() => call(through), CALLS), direct: timed(() => call(direct), CALLS) }, slices);
    return figure("a call of an API through a door, against the call itself", seen.hive, seen.direct, 3);
  } finally {
    agent.destroy();
    await listening.close();
    api.closeAllConnections();
    api.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function call(open: () => ReturnType<typeof request>): Promise<void> {
  const answer = await answered(open());
  answer.resume();
  await once(answer, "end");
}

/** How long something takes, each time. Milliseconds. */
const timed =
  (run: () => Promise<void>, times = 1): Contender =>
  async () => {
    const took: number[] = [];
    for (let n = 0; n < times; n++) {
      const start = performance.now();
      await run();
      took.push(performance.now() - start);
    }
    return took;
  };

function figure(what: string, ours: readonly number[][], theirs: readonly number[][], most: number): Figure {
  const ms = (all: readonly number[][]): string => `${median(all.map(median)).toPrecision(3)} ms`;
  return { what, value: ratio(ours, theirs), unit: "×", reach: { most }, detail: `${ms(ours)}; ${ms(theirs)}` };
}
