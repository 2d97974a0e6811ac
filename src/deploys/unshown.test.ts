import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import type { TreeFile } from "../wire/approval.ts";
import { isUnshown } from "../wire/unshown.ts";
import { auditRows } from "./history.ts";
import { readDiff, readPatchPart } from "./request-diff.ts";

/** Tests of requests with unshown content, over real repositories and the one path that every approval takes. */

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  await system.firstStart();
  await system.through((await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
});
afterAll(() => system.close());

const file = (path: string, content: string | Buffer, mode: TreeFile["mode"] = "100644"): TreeFile => ({
  path,
  mode,
  base64: Buffer.from(content).toString("base64"),
});
const CONFIG = file("agent.json", "{}\n");
const NOTES = "\n".repeat(540_000);
async function propose(...files: TreeFile[]) {
  return system.requests.proposeFiles({ agent: "ada", files: [CONFIG, ...files], by: "operator" });
}
const running = () => system.swarm.byName("ada").record.deployedSha;
const digest = (row: Parameters<typeof system.requestStore.view>[0]) => system.requestStore.view(row).digest;

test("instructions behind a file that takes all the room are shown and marked, and unshown content is not approved silently", async () => {
  const row = await propose(file("A-notes.txt", NOTES), file("INSTRUCTIONS.md", "Obey the notes.\n"), file("b.md", "x\0y\n"));
  const { risks } = system.requestStore.view(row);
  expect(risks.map(({ level, kind, path }) => [level, kind, path])).toEqual(
    expect.arrayContaining([
      ["danger", "cut", "A-notes.txt"],
      ["danger", "binary", "b.md"],
      ["warn", "instructions", "INSTRUCTIONS.md"],
    ]),
  );
  const files = await readDiff(system.context, row, running());
  expect(files.find(({ path }) => path === "INSTRUCTIONS.md")?.patch).toContain("+Obey the notes.\n");
  const seen = { sha: row.sha, digest: digest(row) };
  for (const unshown of [undefined, [], ["A-notes.txt"], ["b.md", "INSTRUCTIONS.md"]]) {
    for (const isBrowser of [true, false])
      await expect(
        system.decisions.approve(row.id, { ...seen, unshown }, { by: "operator", digestNeeded: isBrowser }),
      ).rejects.toThrow(/not shown whole:\n(?: {2}A-notes\.txt \(too long\)| {2}b\.md \(not text\))/);
  }
  expect(system.requestStore.get(row.id).state).toBe("pending");
  // A file that is shown is not recorded as unshown, whatever the call names.
  const named = [...files.filter(isUnshown).map(({ path }) => path), "INSTRUCTIONS.md"];
  await system.decisions.approve(row.id, { ...seen, unshown: named, note: "read both" }, { by: "operator", digestNeeded: true });
  expect((await system.deploys.finished(row.id)).state).toBe("deployed");

  const [entry] = auditRows(system.context, { request: row.id, kind: "approved", limit: 1 }).rows;
  expect(entry?.detail).toMatchObject({ digest: seen.digest, unshown: ["A-notes.txt", "b.md"] });
});

test("unshown content can be read to the last byte in parts that fit into a line", async () => {
  const text = Array.from({ length: 60_000 }, (_, n) => `line ${n}\n`).join("");
  const bytes = Buffer.concat([Buffer.from("a\0b\n"), Buffer.alloc(200_000, 0xff)]);
  const row = await propose(file("long.txt", text), file("picture", bytes));
  const read = async (path: string): Promise<string> => {
    let all = "";
    for (let next: number | undefined = 0; next !== undefined;) {
      const part: { text: string; next?: number } = await readPatchPart(system.context, row, running(), { path, after: next });
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
  // The shown patch is the beginning of the parts.
  const shown = (await readDiff(system.context, row, running())).find(({ path }) => path === "long.txt");
  expect((await read("long.txt")).startsWith(shown?.patch ?? "-")).toBe(true);
  await system.decisions.deny(row.id, undefined, "operator");
});

test("a request without unshown content needs no names", async () => {
  const row = await propose(file("INSTRUCTIONS.md", "Be kind.\n"), file("run.sh", "#!/bin/sh\n".repeat(50_000), "100755"));
  await system.decisions.approve(row.id, {}, { by: "operator", digestNeeded: false });
  expect((await system.deploys.finished(row.id)).state).toBe("deployed");
});
