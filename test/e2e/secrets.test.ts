import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cliInsideWith } from "../lib/cli-inside.ts";
import { TestHive } from "../lib/hive.ts";

/** A secret from the operator's terminal to a program in a cage, and nowhere else. */

const VALUE = "pypi-0123456789abcdef";
const NEXT = "pypi-fedcba9876543210";
const bash = (text: string, command: string) => ({
  when: { text: `^${text}$` },
  steps: [
    { tools: [{ name: "Bash", input: { command } }], capture: { answer: "[\\s\\S]*" } },
    { tools: [{ name: "send", input: { to: "operator", body: "{{answer}}" } }] },
    { say: "done" },
  ],
});
let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive()
    .play([
      bash("last", 'printf %s "$PYPI_TOKEN" | tail -c 4'),
      bash("tell", 'echo "it is $PYPI_TOKEN"; echo "$PYPI_TOKEN" > /state/note; printenv | grep -c "^PYPI_TOKEN="'),
      bash(
        "call",
        `echo "\${HIVE_API_ITEMS##*/}"; /opt/hive/bin/node -e 'fetch(process.env.HIVE_API_ITEMS + "/other").then(async (a) => console.log(a.status, await a.text()))'; printenv | grep -c FIXED_TOKEN || true`,
      ),
      { when: { text: "." }, steps: [{ say: "ok" }] },
    ])
    .start({ manager: false });
});
afterAll(() => hive.dispose());

async function ask(agent: string, text: string): Promise<string> {
  const { sent } = await hive.call("send", { to: agent, body: text });
  const answer = await hive.untilMessage((message) => message.to === "operator" && message.in_reply_to === sent[0]?.id);
  return answer.body ?? "";
}

async function hivectl(input: string, ...words: string[]): Promise<string> {
  const { out, err } = await cliInsideWith(input, "--socket", hive.socket, ...words);
  expect(err).toBe("");
  return out;
}

test("an agent's tools have the secret or its door, and what the hive stores of them has no value", async () => {
  expect(await hivectl(`${VALUE}\n`, "secret", "set", "PYPI_TOKEN")).toBe("PYPI_TOKEN is kept\n");
  await hive.call("spawn", { name: "scout", config: { secrets: ["PYPI_TOKEN"] } });
  expect(await ask("scout", "last")).toBe("cdef");
  expect(await ask("scout", "tell")).toBe("it is [secret PYPI_TOKEN]\n1");
  // The cage has the value itself: only what the hive stores is without it.
  expect(readFileSync(join(await hive.folderOf("scout"), "state", "note"), "utf8")).toBe(`${VALUE}\n`);

  expect(await hivectl(NEXT, "secret", "set", "PYPI_TOKEN")).toContain(
    "scout has it in its environment from the next start of its cage",
  );
  expect(await ask("scout", "last")).toBe("cdef");
  await hive.call("restart", { name: "scout" });
  expect(await ask("scout", "last")).toBe("3210");
  expect(await ask("scout", "tell")).toBe("it is [secret PYPI_TOKEN]\n1");
  expect(await hivectl("", "secret", "list")).toMatch(/PYPI_TOKEN .* operator .* scout \(environment\)/);

  // The door is there, and the agent has not its secret. No rule allows this call, so it goes nowhere.
  await hivectl(VALUE, "secret", "set", "FIXED_TOKEN");
  const items = { url: "https://items.example", secret: "FIXED_TOKEN", header: "x-key: {}", allow: ["GET /items"] };
  await hive.call("spawn", { name: "scribe", config: { apis: { items } } });
  expect(await ask("scribe", "call")).toBe(
    "items\n403 hyperhive: GET /other is not in the rules of the door items (agent.json, apis.items.allow)\n\n0",
  );
  const { events } = await hive.call("turn_events", { agent: "scribe" });
  expect(JSON.stringify(events)).toContain("call denied: items GET /other (not in the rules of the door)");
  // The model reads it with the result of the tool. The CLI writes its session until the turn has ended.
  await hive.untilAgent("scribe", (agent) => agent.last_turn !== undefined);
  const session = join(await hive.folderOf("scribe"), "claude");
  const said = readdirSync(session, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => readFileSync(join(session, name), "utf8"));
  expect(said.some((text) => text.includes("denied during this call: items GET /other, not in the rules of the door"))).toBe(
    true,
  );
  expect(await hivectl("", "egress", "scribe")).toMatch(/items GET \/other +denied: not in the rules of the door/);

  await hive.stop();
  const state = readdirSync(hive.stateDir).filter((name) => name.startsWith("hive.db") || name.endsWith(".log"));
  expect(state.length).toBeGreaterThan(0);
  for (const name of state) {
    const bytes = readFileSync(join(hive.stateDir, name));
    expect([bytes.includes(VALUE), bytes.includes(NEXT)], name).toEqual([false, false]);
  }
});
