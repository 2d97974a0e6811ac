import { once } from "node:events";
import { request } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, expect, test } from "vitest";
import type { Config } from "../config.ts";
import { otherLocalhost } from "./serve.ts";

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
const configOf = (bind: string, url?: string): Config =>
  ({ bind, publicUrl: url === undefined ? undefined : new URL(url) }) as Config;
const fetch = (asked: Request): Response => new Response(new URL(asked.url).host);

/** A port of ::1 that nothing uses, held until it is released. */
async function aPort(): Promise<{ port: number; release(): Promise<void> }> {
  const server = createServer();
  server.listen(0, hasIPv6 ? "::1" : "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

test("a page at localhost is served on ::1 too, where browsers look first", async () => {
  const { port, release } = await aPort();
  await release();
  const server = await otherLocalhost(configOf("127.0.0.1", `http://localhost:${port}`), port, fetch);
  if (!hasIPv6) return expect(server).toBeUndefined();
  if (server) open.push(server);
  const asked = request({ host: "::1", port, headers: { Host: `localhost:${port}`, Connection: "close" } }).end();
  const [answer] = (await once(asked, "response")) as [NodeJS.ReadableStream];
  let body = "";
  for await (const chunk of answer) body += String(chunk);
  expect(body).toBe(`localhost:${port}`);
});

test("another user's program at that port of ::1 is told, because it would get the page's cookie", async () => {
  const { port, release } = await aPort();
  const serving = otherLocalhost(configOf("127.0.0.1", `http://localhost:${port}`), port, fetch);
  if (hasIPv6) await expect(serving).rejects.toThrow(`port ${port} of ::1 cannot be taken (EADDRINUSE)`);
  else expect(await serving).toBeUndefined();
  await release();
});

test.each([
  ["127.0.0.1", undefined],
  ["127.0.0.1", "http://127.0.0.1:7000"],
  ["127.0.0.1", "https://hive.example"],
  ["0.0.0.0", "https://localhost.example"],
  ["::1", "http://localhost:7000"],
])("a page of %s that browsers know as %s has one listener", async (bind, url) => {
  expect(await otherLocalhost(configOf(bind, url), 0, fetch)).toBeUndefined();
});
