import type { Browser } from "playwright-core";
import type { DiffFile } from "../../src/wire/approval.ts";
import { describe, expect, test } from "vitest";
import { busyHive, busyState } from "../lib/busy-hive.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { openCall, sized, usePages, WIDTHS } from "../lib/pages.ts";
import { anAgent, anApproval, BASE, diffFiles, DIGEST, SHA } from "../lib/fixtures.ts";
import { HiveError } from "../../src/wire/error.ts";

/** The approval card and page over made-up requests: what they show, which actions they allow, and what those send. */

let browser: Browser;
let hive: FixtureHive;
usePages(busyHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };

describe("the card", () => {
  test("shows the change, its risks and its beginning; one press approves what was shown", async () => {
    const { page, problems } = await openPage(browser, hive);
    const card = await openCall(page, "request 42: config change for scout");
    await card.getByText("new egress host: export.arxiv.org").waitFor();
    await card.getByText('"allowedRecipients": ["hm1nd", "librarian"],').waitFor();
    hive.answers.approve = () => ({ approval: anApproval({ state: "approved", seq: 2000 }) });
    await card.getByRole("button", { name: /approve\s+1bfaf24/ }).click();
    await page.getByText("request 42 is approved").waitFor();
    expect(hive.called("approve")).toEqual([{ id: 42, sha: SHA, digest: DIGEST }]);
    // The row changes with its event, and each step is visible.
    hive.tell({ kind: "approval", seq: 2000, approval: anApproval({ state: "building", seq: 2000 }) });
    await card.getByRole("list", { name: "request 42: building" }).waitFor();
    hive.tell({ kind: "approval", seq: 2001, approval: anApproval({ state: "deployed", seq: 2001 }) });
    await page.getByText("deployed/42: scout runs it").waitFor();
    await card.waitFor({ state: "detached" });
    expect(problems).toEqual([]);
  });

  test("nothing can be approved while its diff is not on the screen", async () => {
    hive.answers.show = () => new Promise(() => {});
    const { page } = await openPage(browser, hive);
    const button = (await openCall(page, /^request 42/)).getByRole("button", { name: /approve\s+1bfaf24/ });
    await page.getByText("reading the diff…").first().waitFor();
    expect(await button.isDisabled()).toBe(true);
  });

  test("a refusal is shown with its reason, and the card stays", async () => {
    hive.answers.approve = () => {
      throw new HiveError("conflict", "what runs has changed since, look again");
    };
    const { page } = await openPage(browser, hive);
    const card = await openCall(page, /^request 42/);
    await card.getByRole("button", { name: /approve\s+1bfaf24/ }).click();
    await page.getByText("what runs has changed since, look again").waitFor();
    expect(await page.getByRole("article", { name: /request 42/ }).count()).toBe(1);
  });

  test.each(WIDTHS)(
    "at %i px by keyboard alone: j focuses the card, a and Enter approve, d denies with a note",
    async (width) => {
      // The focus starts in the text box. On a phone the first key also brings the cards into view.
      const { page, problems } = await openPage(browser, hive, "/?tab=flow", sized(width));
      if (width > 900) await page.locator(".compose textarea:focus").waitFor();
      await page.keyboard.press("Escape");
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.keyboard.press("k");
      await page.getByText('"egress": ["export.arxiv.org"],').waitFor();
      await page.locator("button.approve:enabled").waitFor();
      await page.keyboard.press("a");
      await page.keyboard.press("Enter");
      await expect.poll(() => hive.called("approve")).toEqual([{ id: 42, sha: SHA, digest: DIGEST }]);
      await page.keyboard.press("k");
      await page
        .getByRole("article", { name: /^request 43/ })
        .and(page.locator(":focus"))
        .waitFor();
      await page.keyboard.press("d");
      await page.keyboard.type("not now, j and a are letters here");
      await page.getByRole("button", { name: "deny", exact: true }).press("Enter");
      await expect.poll(() => hive.called("deny")).toEqual([{ id: 43, note: "not now, j and a are letters here" }]);
      await page.keyboard.press("?");
      await page.getByRole("dialog").getByText("write a message").waitFor();
      expect(problems).toEqual([]);
    },
  );

  test("a draft note survives a reload", async () => {
    const { page } = await openPage(browser, hive);
    await (await openCall(page, /^request 42/)).getByRole("button", { name: "deny…" }).click();
    await page.getByRole("textbox", { name: "note on request 42" }).fill("because");
    await page.reload();
    await expect.poll(() => page.getByRole("textbox", { name: "note on request 42" }).inputValue()).toBe("because");
  });
});

const LONG: Partial<DiffFile> = {
  path: "INSTRUCTIONS.md",
  added: 60,
  patch: `@@ -0,0 +1,60 @@\n${Array.from({ length: 60 }, (_, n) => `+rule ${n}\n`).join("")}`,
};
test.each([
  ["a file that is not shown whole", { path: "A-notes.txt", cut: true }],
  ["more changed lines than fit", LONG],
])("a card with %s does not approve: `a` goes to the link to the request", async (_what, file) => {
  hive.answers.show = () => ({ approval: anApproval(), base_sha: BASE, files: diffFiles([file]), cut: file.cut === true });
  const { page } = await openPage(browser, hive);
  const card = await openCall(page, /^request 42:/);
  await card.getByRole("link", { name: "read the whole diff to decide" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("a");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/approval/42");
  expect(hive.called("approve")).toEqual([]);
  await page.goBack();
  await card.getByRole("link", { name: "read the whole diff to decide" }).waitFor();
  expect(await card.getByRole("button", { name: /approve/ }).count()).toBe(0);
  await card.getByRole("button", { name: "deny…" }).waitFor();
});

describe("the page", () => {
  test("has a file tree, marks words that differ, has both views and folds files; the address keeps the view", async () => {
    const { page, problems } = await openPage(browser, hive, "/approval/42");
    await page.getByRole("region", { name: "changes of agent.json" }).waitFor();
    expect(await page.locator(".ln.a b").allTextContents()).toContain(', "librarian"');
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("file crawler.mjs");
    await page.keyboard.press("x");
    await page.getByRole("region", { name: "changes of crawler.mjs" }).waitFor({ state: "detached" });
    await page.getByRole("navigation", { name: "files" }).getByRole("button", { name: "agent.json" }).click();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("file agent.json");
    await page.getByRole("button", { name: "split" }).click();
    await page.locator(".split .pair").first().waitFor();
    await page.reload();
    await page.locator(".split .pair").first().waitFor();
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await expect.poll(() => hive.called("approve")).toEqual([{ id: 42, sha: SHA, digest: DIGEST }]);
    expect(problems).toEqual([]);
  });

  test("another base is only for reading; a decision is made only against what runs", async () => {
    const { page } = await openPage(browser, hive, "/approval/42");
    await page.getByRole("button", { name: /approve\s+1bfaf24/ }).waitFor();
    await page.getByLabel("against:").selectOption("parent");
    await expect.poll(() => hive.called("show").at(-1)).toMatchObject({ id: 42, base: "parent" });
    await page.getByText("compared with the commit before it, for reading").waitFor();
    expect(await page.getByRole("button", { name: /approve\s+1bfaf24/ }).count()).toBe(0);
    await page.getByRole("button", { name: "compare with what runs, to decide" }).click();
    await page.getByRole("button", { name: /approve\s+1bfaf24/ }).waitFor();
  });

  test("when what runs has changed, the old diff cannot be approved", async () => {
    const { page } = await openPage(browser, hive, "/approval/42");
    await page.getByRole("button", { name: /approve\s+1bfaf24/ }).waitFor();
    const digest = "e".repeat(64);
    // The new diff is being fetched. The screen shows the old one.
    let answer = (): void => {};
    hive.answers.show = () =>
      new Promise((resolve) => {
        answer = () => resolve({ approval: anApproval({ seq: 3000, digest }), base_sha: BASE, files: diffFiles(), cut: false });
      });
    hive.tell({ kind: "approval", seq: 3000, approval: anApproval({ seq: 3000, digest }) });
    await page.getByText("What runs has changed since this was read.").waitFor();
    expect(await page.getByRole("button", { name: /approve\s+1bfaf24/ }).count()).toBe(0);
    answer();
    await page.getByRole("button", { name: /approve\s+1bfaf24/ }).click();
    await expect.poll(() => hive.called("approve")).toEqual([{ id: 42, sha: SHA, digest }]);
  });

  test("modes, links, binaries, renames, cuts and hidden characters are pointed out", async () => {
    hive.answers.show = () => ({
      approval: anApproval(),
      base_sha: BASE,
      files: [
        ...diffFiles([
          { path: "run.sh", old_mode: "100644", new_mode: "100755", added: 0 },
          {
            path: "link",
            status: "added",
            new_mode: "120000",
            patch: "@@ -0,0 +1 @@\n+INSTRUCTIONS.md\n\\ No newline at end of file\n",
          },
          { path: "empty.md", status: "added", added: 0, patch: "" },
          { path: "logo.png", status: "modified", binary: true, added: 0 },
          { path: "new/name.md", old_path: "old.md", status: "renamed", added: 0 },
          { path: "big.txt", cut: true, patch: "@@ -1,99 +1,99 @@\n-old\n+new\n" },
          { path: "agent.nix", ignored: true, patch: "@@ -1 +1 @@\n-{ }\n+{ a = 1; }\n" },
          { path: "trojan.js", patch: "@@ -1 +1 @@\n-if (a) b();\n+if (a\u202E) b();\u200B // x\r\n" },
        ]),
      ],
      cut: true,
    });
    const { page, problems } = await openPage(browser, hive, "/approval/42");
    const file = (name: string) => page.getByRole("region", { name: `file ${name}` });
    await file("run.sh").getByText("mode 100644 → 100755").waitFor();
    await file("run.sh").getByText("The content is the same.").waitFor();
    await file("empty.md").getByText("The file is empty.").waitFor();
    // No driver here reads Nix code: it is shown, folded.
    await file("agent.nix").getByText("not read by this hive").waitFor();
    expect(await file("agent.nix").locator(".ln").count()).toBe(0);
    await file("agent.nix").getByRole("button").click();
    await file("agent.nix").getByText("{ a = 1; }").waitFor();
    await file("link").getByText("symbolic link").waitFor();
    await file("link").getByText("No newline at end of file").waitFor();
    await file("logo.png").getByText("The bytes of this file are not text and are not shown.").waitFor();
    await file("new/name.md").getByText("was old.md").waitFor();
    await file("big.txt")
      .getByText(/too long and is cut/)
      .waitFor();
    // Lines wrap: nothing extends beyond the edge.
    expect(
      await file("trojan.js")
        .locator(".scrollx")
        .evaluate((place) => place.scrollWidth - place.clientWidth),
    ).toBe(0);
    expect(await file("trojan.js").locator("mark.unseen").allTextContents()).toEqual(["⟨U+202E⟩", "⟨U+200B⟩", "␍"]);
    expect(problems).toEqual([]);
  });

  test.each(WIDTHS)(
    "at %i px files that are not shown whole can be read to their end, and are approved by name only",
    async (width) => {
      const long = "x".repeat(900);
      hive.answers.show = () => ({
        approval: anApproval({ risks: [{ level: "danger", kind: "binary", text: "not shown: it is not text", path: "b.md" }] }),
        base_sha: BASE,
        files: diffFiles([
          { path: "A-notes.txt", cut: true, added: 3, patch: `@@ -0,0 +1,3 @@\n+first ${long}\n` },
          { path: "b.md", status: "added", binary: true, added: 1 },
          { path: "gone.bin", status: "deleted", binary: true, added: 0, removed: 1 },
        ]),
        cut: true,
      });
      hive.answers.show_file = (input) => {
        const { path, after } = input as { path: string; after: number };
        return path === "b.md"
          ? { text: "@@ -0,0 +1 @@\n+x⟨FF⟩\u0000\n" }
          : { text: after > 900 ? "+second\n" : "", next: 2_000_000 };
      };
      const { page, problems } = await openPage(browser, hive, "/approval/42", sized(width));
      const file = (name: string) => page.getByRole("region", { name: `file ${name}` });
      const approve = page.getByRole("button", { name: /approve\s+1bfaf24/ });
      // A phone has no tooltip, so the mark itself names its file.
      await page.getByText("b.md not shown: it is not text").waitFor();
      await page.getByText("2 files are not shown whole: look at each, and tick them above to approve").waitFor();
      expect(await approve.count()).toBe(0);
      await file("A-notes.txt").getByRole("button", { name: "show more" }).click();
      await file("A-notes.txt").getByText("second").waitFor();
      await file("b.md").getByRole("button", { name: "show its bytes" }).click();
      await file("b.md").getByText("x⟨FF⟩␀").waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      expect(
        await file("A-notes.txt")
          .locator(".scrollx")
          .evaluate((place) => place.scrollWidth - place.clientWidth),
      ).toBe(0);
      await page.getByRole("checkbox", { name: "A-notes.txt" }).check();
      await page.getByText("1 file is not shown whole").waitFor();
      expect(await approve.count()).toBe(0);
      await page.getByRole("checkbox", { name: "b.md" }).check();
      await approve.click();
      await expect
        .poll(() => hive.called("approve"))
        .toEqual([{ id: 42, sha: SHA, digest: DIGEST, unshown: ["A-notes.txt", "b.md"] }]);
      expect(problems).toEqual([]);
    },
  );

  test("a file with very many lines is drawn as far as it is read, and the page stays responsive", async () => {
    const lines = 40_000;
    const patch = `@@ -0,0 +1,${lines} @@\n${Array.from({ length: lines }, (_, n) => `+line ${n}\n`).join("")}`;
    hive.answers.show = () => ({
      approval: anApproval(),
      base_sha: BASE,
      files: diffFiles([{ path: "run", added: lines, patch }]),
      cut: false,
    });
    const { page, problems } = await openPage(browser, hive, "/approval/42");
    await page.getByText("line 10", { exact: true }).waitFor();
    expect(await page.locator(".ln").count()).toBeLessThan(5_000);
    await page.getByRole("button", { name: "further lines…" }).scrollIntoViewIfNeeded();
    await page.getByText("line 1500", { exact: true }).waitFor({ state: "attached" });
    await page.getByRole("link", { name: "page of scout" }).click();
    await page.waitForURL(/\/agent\/scout/);
    expect(problems).toEqual([]);
  });

  /* The same at each width, so checked at one. */

  test("at 390 px the log of a build is followed, and the build can be cancelled", async () => {
    const building = anApproval({ state: "building", digest: undefined });
    hive.state.approvals = hive.state.approvals.map((one) => (one.id === building.id ? building : one));
    hive.answers.show = () => ({ approval: building, base_sha: BASE, files: diffFiles(), cut: false });
    let more: (part: { lines: string[]; position: number }) => void = () => {};
    hive.answers.build_log = ({ after }) =>
      after === undefined
        ? { lines: ["copying path a", "building ada"], position: 30 }
        : new Promise((resolve) => (more = resolve));
    hive.answers.cancel_request = () => ({ approval: anApproval({ state: "failed", error: "operator cancelled the build" }) });
    const { page, problems } = await openPage(browser, hive, "/approval/42", sized(390));
    const log = page.getByRole("log", { name: "build log of request 42" });
    await log.getByText("building ada").waitFor();
    await expect.poll(() => hive.called("build_log").at(-1)).toEqual({ id: 42, lines: 500, after: 30 });
    more({ lines: ["linking \u001b[31mada\u001b[0m"], position: 50 });
    await log.getByText("linking ada").waitFor();
    await page.getByRole("button", { name: "cancel the build" }).click();
    await expect.poll(() => hive.called("cancel_request")).toEqual([{ request: 42 }]);
    expect(problems).toEqual([]);
  });

  test("a turn that a deploy waits for can be interrupted, after one question", async () => {
    hive.state = { ...busyState(), approvals: [anApproval({ state: "waiting" })] };
    const { page } = await openPage(browser, hive);
    await openCall(page, /^request 42/);
    await page.getByRole("button", { name: "do not wait…" }).click();
    expect(hive.called("deploy_force")).toEqual([]);
    await page
      .getByRole("alertdialog")
      .getByRole("button", { name: /stop the turn/ })
      .click();
    await expect.poll(() => hive.called("deploy_force")).toEqual([{ id: 42 }]);
  });

  test("with one thumb: both buttons at the bottom edge, high enough for a finger, nothing wider than the screen", async () => {
    const { page, problems } = await openPage(browser, hive, "/approval/42", PHONE);
    const approve = page.getByRole("button", { name: /approve\s+1bfaf24/ });
    await approve.waitFor();
    for (const button of [approve, page.getByRole("button", { name: "deny…" })]) {
      const box = await button.boundingBox();
      expect(box?.height).toBeGreaterThanOrEqual(44);
      expect(box?.y).toBeGreaterThan(844 - 110);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await approve.tap();
    await expect.poll(() => hive.called("approve")).toHaveLength(1);
    expect(problems).toEqual([]);
  });
});

/* The same at each width, so each step is checked at one. */

test("at 390 px the history shows denials with their note, failures with the build's words, and links to each", async () => {
  const { page, problems } = await openPage(browser, hive, "/history", sized(390));
  await page.getByText("“not with write access to the shared notes”").waitFor();
  await page.getByText(/limits\.memory_mib: must be at least 256\s+at agent\.json:7/).waitFor();
  await page.getByRole("link", { name: "config change #38" }).click();
  await page.waitForURL(/\/approval\/38$/);
  await page.goBack();
  await page.getByText("denied/41").waitFor();
  expect(problems).toEqual([]);
});

test("the operator requests an agent, rolls back to an earlier deploy, and proposes a new config", async () => {
  hive.answers.request_spawn = () => ({ request: 50, risks: [] });
  hive.answers.rollback = () => ({ request: 51 });
  hive.answers.propose = () => ({ request: 52, risks: [] });
  const png = Buffer.from([0x89, 0x50, 0, 0xff]).toString("base64");
  hive.answers.config = () => ({
    files: [
      { path: "INSTRUCTIONS.md", text: "# scout\n" },
      { path: "agent.json", text: "{}\n" },
      { path: "logo.png", mode: "100644", text: "\ufffdP\0\ufffd", base64: png },
      { path: "run", mode: "100755", text: "#!/bin/sh\n" },
    ],
  });
  const { page, problems } = await openPage(browser, hive, "/?tab=swarm", sized(1440));
  const goTo = async (path: string, width: number): Promise<void> => {
    await page.setViewportSize(sized(width).viewport);
    await page.goto(hive.home + path);
  };
  await page.getByRole("button", { name: /^\+ (?:request )?spawn$/ }).click();
  await page.getByLabel("name").fill("poet");
  await page.getByLabel("what it is for").fill("writes verses");
  await page.getByRole("button", { name: "request" }).last().click();
  await expect.poll(() => hive.called("request_spawn")).toEqual([{ name: "poet", description: "writes verses" }]);

  await goTo("/?open=deploys:scout", 390);
  await page.getByRole("button", { name: "roll back here…" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "roll back" }).click();
  await expect.poll(() => hive.called("rollback")).toEqual([{ agent: "scout", id: 31 }]);

  await goTo("/?open=config:scout", 1440);
  await page.getByRole("button", { name: "edit…" }).click();
  await page.getByRole("textbox", { name: "text of agent.json" }).fill('{"model":"opus"}');
  await page.getByLabel("what for").fill("a better model");
  // What it is refused for stays in the editor, also after a reload, until a proposal is accepted.
  const complaints = ["agent.json: model: too long", "agent.json: egress.0: a host is name, name:port or *.name"];
  hive.answers.propose = () => ({ request: 51, refused: complaints.join("\n"), risks: [] });
  await page.getByRole("button", { name: "propose 1 file" }).click();
  const refused = page.getByRole("alert").getByRole("listitem");
  await expect.poll(() => refused.allTextContents()).toEqual(complaints);
  await page.reload();
  await expect.poll(() => refused.allTextContents()).toEqual(complaints);
  hive.answers.propose = () => ({ request: 52, risks: [] });
  await page.getByRole("button", { name: "propose 1 file" }).click();
  await page.getByRole("link", { name: "Look at request 52" }).waitFor();
  expect(await refused.count()).toBe(0);
  const proposal = hive.called("propose").at(-1) as
    | { files: { path: string; base64: string }[]; description: string }
    | undefined;
  expect(proposal?.files.map((file) => file.path)).toEqual(["INSTRUCTIONS.md", "agent.json", "logo.png", "run"]);
  // Unedited files are proposed unchanged, with their bytes and their executable mode.
  expect(proposal?.files.slice(2)).toMatchObject([{ base64: png }, { mode: "100755" }]);
  expect(Buffer.from(proposal?.files[1]?.base64 ?? "", "base64").toString()).toBe('{"model":"opus"}');

  // A denied request is taken up again with its own files.
  hive.answers.show = ({ id }) => ({
    approval: anApproval({ id, state: "denied", note: "too dear" }),
    files: diffFiles(),
    cut: false,
  });
  await goTo("/approval/49", 390);
  await page.getByRole("link", { name: "edit again…" }).click();
  await page.getByRole("dialog", { name: "scout · request 49" }).waitFor();
  expect(hive.called("config").at(-1)).toEqual({ name: "scout", request: 49 });
  await page.getByRole("textbox", { name: "text of agent.json" }).waitFor();
  await page.getByRole("button", { name: "propose #49 again" }).click();
  await page.getByRole("link", { name: "Look at request 52" }).waitFor();
  expect(hive.called("propose").at(-1)).toMatchObject({ agent: "scout", files: { length: 4 } });
  expect(hive.called("propose")).toHaveLength(3);
  expect(problems).toEqual([]);
});

test("at 1440 px inputs of the ledger are chosen and updated, and the page says which agents that rebuilds", async () => {
  hive.answers.meta_update = () => ({ results: [{ name: "scout", ok: true }] });
  const { page, problems } = await openPage(browser, hive, "/?tab=meta", sized(1440));
  await page.getByRole("checkbox", { name: /agent-scout\/mcp-matrix/ }).check();
  await page.getByRole("button", { name: "update 1 (rebuilds 1)" }).click();
  await page.getByText("updated; rebuilding scout").waitFor();
  expect(hive.called("meta_update")).toEqual([{ inputs: ["agent-scout/mcp-matrix"] }]);
  // A deploy writes the ledger, so its panel must be updated.
  const rev = "5ec886cc15f7ffe153500ea589b670f829872062";
  hive.answers.meta = () => ({ inputs: [{ name: "agent-scout", rev, rebuilds: ["scout"] }] });
  hive.tell({ kind: "agent", agent: anAgent("scout", { deployed_sha: rev.slice(0, 12) }) });
  await page.getByRole("region", { name: "meta inputs" }).getByText(rev.slice(0, 7)).waitFor();
  expect(problems).toEqual([]);
});
