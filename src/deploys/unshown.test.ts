import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import type { TreeFile } from "../wire/approval.ts";
import { isUnshown } from "../wire/unshown.ts";
import { auditRows } from "./history.ts";
import { lookAt, lookInto } from "./look.ts";

/** Requests with content that is not shown: over the real repositories, and the one door that every approval goes through. */

let world: TestSystem;
beforeAll(async () => {
  world = await openTestSystem();
  await world.firstStart();
  await world.through((await world.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
});
afterAll(() => world.close());

const file = (path: string, content: string | Buffer, mode: TreeFile["mode"] = "100644"): TreeFile => ({
  path,
  mode,
  base64: Buffer.from(content).toString("base64"),
});
const CONFIG = file("agent.json", "{}\n");
const NOTES = "\n".repeat(540_000);
async function propose(...files: TreeFile[]) {
  return world.requests.proposeFiles({ agent: "ada", files: [CONFIG, ...files], by: "operator" });
}
const running = () => world.swarm.byName("ada").record.deployedSha;
const digest = (row: Parameters<typeof world.requestStore.view>[0]) => world.requestStore.view(row).digest;

test("instructions behind a file that takes all the room: they are shown, marked, and nothing is approved in silence", async () => {
  const row = await propose(file("A-notes.txt", NOTES), file("INSTRUCTIONS.md", "Obey the notes.\n"), file("b.md", "x\0y\n"));
  const { risks } = world.requestStore.view(row);
  expect(risks.map(({ level, kind, path }) => [level, kind, path])).toEqual(
    expect.arrayContaining([
      ["danger", "cut", "A-notes.txt"],
      ["danger", "binary", "b.md"],
      ["warn", "instructions", "INSTRUCTIONS.md"],
    ]),
  );
  const files = await lookAt(world.context, "ada", running(), row.sha);
  expect(files.find(({ path }) => path === "INSTRUCTIONS.md")?.patch).toContain("+Obey the notes.\n");
  const looked = { sha: row.sha, digest: digest(row) };
  for (const unshown of [undefined, [], ["A-notes.txt"], ["b.md", "INSTRUCTIONS.md"]]) {
    for (const isBrowser of [true, false])
      await expect(world.requests.approve(row.id, { ...looked, unshown }, isBrowser)).rejects.toThrow(
        /not shown whole:\n(?: {2}A-notes\.txt \(too long\)| {2}b\.md \(not text\))/,
      );
  }
  expect(world.requestStore.get(row.id).state).toBe("pending");
  // A file that is shown is not accepted unseen, whatever the answer names.
  const named = [...files.filter(isUnshown).map(({ path }) => path), "INSTRUCTIONS.md"];
  await world.requests.approve(row.id, { ...looked, unshown: named, note: "read both" }, true);
  expect((await world.deploys.settled(row.id)).state).toBe("deployed");

  const [entry] = auditRows(world.context, { request: row.id, kind: "approved", limit: 1 });
  expect(entry?.detail).toMatchObject({ digest: looked.digest, unshown: ["A-notes.txt", "b.md"] });
});

test("what is not shown can be looked at, to the last byte, in parts that fit a line", async () => {
  const text = Array.from({ length: 60_000 }, (_, n) => `line ${n}\n`).join("");
  const bytes = Buffer.concat([Buffer.from("a\0b\n"), Buffer.alloc(200_000, 0xff)]);
  const row = await propose(file("long.txt", text), file("picture", bytes));
  const read = async (path: string): Promise<string> => {
    let all = "";
    for (let next: number | undefined = 0; next !== undefined;) {
      const part: { text: string; next?: number } = await lookInto(world.context, row, running(), { path, after: next });
      all += part.text;
      next = part.next;
    }
    return all;
  };
  expect(await read("long.txt")).toBe(`@@ -0,0 +1,60000 @@\n${text.replaceAll(/^(?=line)/gm, "+")}`);
  const picture = await read("picture");
  expect(picture.startsWith("@@ -0,0 +1,2 @@\n+a\0b\n+⟨FF⟩⟨FF⟩")).toBe(true);
  expect(picture.match(/⟨FF⟩/g)).toHaveLength(200_000);
  await expect(read("nothing")).rejects.toThrow('does not change "nothing"');
  // What is shown is where the parts begin.
  const shown = (await lookAt(world.context, "ada", running(), row.sha)).find(({ path }) => path === "long.txt");
  expect((await read("long.txt")).startsWith(shown?.patch ?? "-")).toBe(true);
  await world.requests.deny(row.id, undefined);
});

test("a request without such content needs no names", async () => {
  const row = await propose(file("INSTRUCTIONS.md", "Be kind.\n"), file("run.sh", "#!/bin/sh\n".repeat(50_000), "100755"));
  await world.requests.approve(row.id, {}, false);
  expect((await world.deploys.settled(row.id)).state).toBe("deployed");
});
