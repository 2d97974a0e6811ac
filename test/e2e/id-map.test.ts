import { chownSync, mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { idMapsLack } from "../../src/os/id-map.ts";
import { TestHive } from "../lib/hive.ts";

/** A folder that only its owner can write, from the request to the file: through an id map, if this host has them. */

const OWNER = { uid: 4242, gid: 4343 };
const isRoot = process.getuid?.() === 0;
let hive: TestHive;
beforeAll(async () => {
  const command = "echo two >> /owned/notes && mkdir /owned/made && stat -c %u /owned/notes /owned/made | xargs";
  const rules = [
    {
      agents: ["hm1nd"],
      when: { from: "operator", text: "^write" },
      steps: [
        { tools: [{ name: "Bash", input: { command, description: "write" } }], capture: { said: "(.+)" } },
        { tools: [{ name: "send", input: { to: "operator", body: "wrote as {{said}}" } }] },
        { say: "done" },
      ],
    },
    { when: { text: "." }, steps: [{ say: "ok" }] },
  ];
  hive = await new TestHive().play(rules).start();
});
afterAll(() => hive.dispose());

test("files that an agent writes there belong to the owner, or the request is refused with what this host lacks", async () => {
  const host = join(realpathSync(hive.folder), "owned");
  mkdirSync(host, { mode: 0o755 });
  writeFileSync(join(host, "notes"), "one\n");
  if (isRoot) for (const path of [host, join(host, "notes")]) chownSync(path, OWNER.uid, OWNER.gid);
  const base64 = Buffer.from(JSON.stringify({ mounts: [{ host, cage: "/owned", mode: "rw" }] })).toString("base64");
  const { request, refused } = await hive.call("propose", {
    agent: "hm1nd",
    files: [{ path: "agent.json", mode: "100644", base64 }],
  });
  const lacks = isRoot ? await idMapsLack() : undefined;
  if (lacks !== undefined) {
    expect(refused).toContain(`${host} cannot be written by the agent (a user of its own on this host): use "ro"`);
    expect(refused).toContain(lacks);
    return;
  }
  expect(refused).toBeUndefined();

  const { approval } = await hive.call("show", { id: request });
  const words = isRoot ? "as the agent through an id map: files it makes belong to uid 4242, gid 4343" : "as the agent, tried";
  expect(approval.risks.map(({ text }) => text).join("\n")).toContain(`mount ${host}: writable ${words}`);
  await hive.call("approve", { id: request });
  await hive.untilAgent("hm1nd", (agent) => agent.deployed_sha === approval.sha?.slice(0, 12) && agent.deploying === undefined);
  await hive.call("send", { to: "hm1nd", body: "write" });
  await hive.untilMessage((message) => message.from === "hm1nd" && message.body === "wrote as 1000 1000");
  const owner = isRoot ? OWNER : { uid: process.getuid?.() };
  for (const name of ["notes", "made"]) expect(statSync(join(host, name)), name).toMatchObject(owner);
});
