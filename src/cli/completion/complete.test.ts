import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { aChange, anAgent, aRepo, aState } from "../../../test/lib/fixtures.ts";
import { StubHost } from "../../../test/lib/stub-host.ts";
import { buildProgram } from "../program.ts";
import { complete } from "./complete.ts";

/** Completion over a stub of the daemon. The scripts of the shells are tested in test/e2e/cli-terminal.test.ts. */

let host: StubHost;
beforeAll(async () => {
  host = await new StubHost().start();
});
afterAll(() => host.dispose());
beforeEach(() => {
  host.calls = [];
  host.answers = {
    state: { state: aState({ agents: [anAgent("scout"), anAgent("ada")] }) },
    repos: { repos: [aRepo("web"), aRepo("api", { bases: [{ name: "release/1.x", sha: "a".repeat(40) }] })] },
    changes: { changes: [aChange({ id: 12, title: "retry\u001B[2J" }), aChange({ id: 7, state: "merged" })] },
    approvals: { approvals: [] },
  };
});

const completed = async (...words: string[]): Promise<string[]> =>
  (await complete(buildProgram(), words, () => host.socket)).map(({ value }) => value);

test("a group completes its verbs, and a verb of it its options", async () => {
  expect(await completed("rep")).toEqual(["repo"]);
  expect(await completed("repo", "re")).toEqual(["remove", "resume", "reconcile", "remote"]);
  expect(await completed("repo", "set", "web", "--p")).toEqual(["--policy", "--protect", "--push"]);
  expect(await completed("change", "--")).toEqual(["--json", "--socket", "--help"]);
  // An unknown word of a group takes nothing away.
  expect(await completed("repo", "nope", "li")).toEqual(["list"]);
  expect(host.calls).toEqual([]);
});

test("an option or an argument with choices completes them", async () => {
  expect(await completed("repo", "reconcile", "web", "")).toEqual(["merge", "reset", "undo"]);
  expect(await completed("completion", "z")).toEqual(["zsh"]);
  expect(await completed("repo", "set", "web", "--merge", "")).toEqual(["merge", "squash", "rebase"]);
  expect(await completed("repo", "add", "web", "--policy", "r")).toEqual(["reviewed"]);
  expect(await completed("change", "show", "12", "--against", "l")).toEqual(["last-reviewed"]);
  expect(host.calls).toEqual([]);
});

test("names come from the hive: repositories, bases, agents and changes", async () => {
  expect(await completed("repo", "show", "")).toEqual(["web", "api"]);
  expect(await completed("repo", "set", "api", "--base", "")).toEqual(["release/1.x"]);
  expect(await completed("repo", "set", "web", "--reviewer", "a")).toEqual(["ada"]);
  expect(await completed("change", "list", "--repo", "w")).toEqual(["web"]);
  expect(await completed("change", "list", "--agent", "@s")).toEqual(["@scout"]);
  const [first] = await complete(buildProgram(), ["change", "show", "1"], () => host.socket);
  expect(first).toEqual({ value: "12", words: "waits for review web scout retry␛[2J" });
});

test("a verb that decides completes open changes, one that reads also those that have ended", async () => {
  await completed("change", "approve", "");
  await completed("change", "show", "");
  await completed("change", "revert", "");
  expect(host.calls.map(({ name, input }) => [name, input["open"]])).toEqual([
    ["changes", true],
    ["changes", false],
    ["changes", false],
  ]);
});

test("the verbs outside groups are completed as before", async () => {
  host.answers.approvals = { approvals: [] };
  expect(await completed("show", "12", "--base", "r")).toEqual(["running", "requested"]);
  expect(await completed("show", "")).toEqual([]);
  expect(host.called("approvals")).toMatchObject({ open: true });
  expect(await completed("tail", "s")).toEqual(["scout"]);
});
