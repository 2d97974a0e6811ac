import { afterEach, expect, test, vi } from "vitest";
import { proposeFiles } from "./propose.ts";

const answers: Record<string, object> = { "/api/config": { ok: true, files: [{ path: "agent.json", text: "{}" }] } };
afterEach(() => vi.unstubAllGlobals());

function propose(answer: object): Promise<number> {
  vi.stubGlobal("fetch", (url: string) => Promise.resolve({ status: 200, json: async () => answers[url] ?? answer }));
  return proposeFiles("scout", "allow egress", (_, text) => text);
}

test("a request that fails its check at once is an error with the reason, not a waiting request", async () => {
  await expect(propose({ ok: true, request: 14, refused: "egress: localhost is this machine" })).rejects.toThrow(
    "request 14 failed its check: egress: localhost is this machine",
  );
  expect(await propose({ ok: true, request: 15 })).toBe(15);
});
