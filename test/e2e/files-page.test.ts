import type { Browser } from "playwright-core";
import { expect, test } from "vitest";
import { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { ago, anAgent, aState } from "../lib/fixtures.ts";
import { cutTexts, layoutFaults, sidewaysScrollers, smallTargets } from "../lib/page-layout.ts";
import { usePages } from "../lib/pages.ts";
import { HiveError } from "../../src/wire/error.ts";
import type { FileEntry } from "../../src/wire/files.ts";

/** The files of an agent on its page over made-up answers. */

let browser: Browser;
let hive: FixtureHive;
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const entry = (name: string, kind: FileEntry["kind"], more: Partial<FileEntry> = {}): FileEntry => ({
  name,
  kind,
  bytes: 1200,
  on_disk: 4096,
  modified_at: ago(90),
  ...more,
});

usePages(
  () =>
    new FixtureHive(aState({ agents: [anAgent("hm1nd", { role: "manager" }), anAgent("scout")] }), {
      file_list: ({ path }) =>
        path === "/"
          ? { entries: [entry("state", "folder"), entry("work", "folder")], more: 0 }
          : {
              entries: [
                entry("a-link", "link", { target: "/etc/shadow" }),
                entry("fifo", "fifo", { bytes: 0 }),
                entry("huge.img", "file", { bytes: 7 * 1024 ** 4, on_disk: 0 }),
                entry(`long-${"name-".repeat(40)}.txt`, "file"),
                entry("notes.md", "file"),
                entry("shot.png", "file", { bytes: 81_000 }),
                entry("turned\u202Egpj.exe", "file", { executable: true }),
                entry("z", "folder"),
              ],
              more: 12,
            },
      file_read: ({ path }) => {
        if (path.endsWith(".png"))
          return { file: { path, bytes: 70, shows: "picture", picture: { type: "image/png", base64: PIXEL } } };
        if (path.endsWith(".img")) return { file: { path, bytes: 7 * 1024 ** 4, shows: "too_large" } };
        if (path.endsWith("gone")) throw new HiveError("not_found", `there is no ${path}`);
        return {
          file: {
            path,
            bytes: 31,
            shows: "text",
            text: `# Notes\n<img src=x onerror=alert(1)>\nturned \u202E around\n${"long ".repeat(100)}`,
          },
        };
      },
    }),
  (theBrowser, theHive) => {
    browser = theBrowser;
    hive = theHive;
  },
);

test("the files of an agent are walked through by links: folders first, and what cannot be opened is none", async () => {
  const { page, problems } = await openPage(browser, hive, "/agent/scout");
  await page.getByRole("link", { name: "files" }).click();
  const files = page.getByRole("region", { name: "files of scout" });
  await files.getByRole("link", { name: "state/" }).click();
  await files.getByText("and 12 more").waitFor();
  const names = await files.locator(".file-list .file-name").allTextContents();
  expect(names[0]).toBe("z/");
  expect(names[1]).toBe("a-link → /etc/shadow");
  expect(names.at(-1)).toBe("turned⟨U+202E⟩gpj.exe");
  for (const name of ["a-link", "fifo"]) expect(await files.getByRole("link", { name }).count()).toBe(0);
  await files.getByText("sparse").waitFor();

  await files.getByRole("link", { name: "notes.md" }).click();
  await files.getByText("turned ⟨U+202E⟩ around").waitFor();
  expect(await files.locator("pre img").count()).toBe(0);
  expect(await files.getByRole("link", { name: "download" }).getAttribute("href")).toBe(
    "/api/download/scout?path=%2Fstate%2Fnotes.md",
  );
  await files.getByRole("link", { name: "state" }).click();
  await files.getByRole("link", { name: "shot.png" }).click();
  await page.waitForFunction(() => document.querySelector<HTMLImageElement>(".picture img")?.naturalWidth === 1);
  await page.goBack();
  await files.getByRole("link", { name: "huge.img" }).click();
  await files.getByText("too long to be shown (").waitFor();
  await page.getByRole("link", { name: "tail" }).click();
  await page.getByRole("log", { name: "turns of scout" }).waitFor();
  expect(problems).toEqual([]);
});

test("a file that is there no more says so", async () => {
  const { page } = await openPage(browser, hive, "/agent/scout?tab=files&path=/state/gone");
  await page.getByText("there is no /state/gone").waitFor();
});

test.each([
  ["desk", 1440, 900],
  ["phone", 390, 844],
])("the files have room on a %s", async (name, width, height) => {
  for (const path of ["/", "/state/", "/state/notes.md", "/state/shot.png"]) {
    const { page } = await openPage(browser, hive, `/agent/scout?tab=files&path=${path}`);
    await page.setViewportSize({ width, height });
    await page.locator(".file-list li, .file-text, .picture img").first().waitFor();
    const faults = [...(await layoutFaults(page)), ...(await cutTexts(page))];
    if (name === "phone") faults.push(...(await smallTargets(page)), ...(await sidewaysScrollers(page)));
    expect(faults, path).toEqual([]);
  }
});

test("files are dropped, pasted and chosen, and the message names them", async () => {
  let sent = 0;
  hive.answers.upload_start = () => ({ upload: `0b7d6f3e-7f6a-4b8e-9c55-0d9d1f2a3b4${sent++}` });
  hive.answers.upload_finish = ({ upload }) => ({ path: `/state/inbox/${upload.slice(-1)}.png` });
  hive.answers.send = () => ({ sent: [{ id: 1, to: "scout", state: "queued" }], duplicate: false, refused: [] });
  const { page, problems } = await openPage(browser, hive, "/agent/scout");
  const box = page.getByLabel("message to scout");
  await box.fill("look");
  await page.evaluate(() => {
    const give = (type: string, name: string): void => {
      const data = new DataTransfer();
      data.items.add(new File([`content of ${name}`], name, { type: "image/png" }));
      const field = document.querySelector(".term .compose textarea");
      const event =
        type === "paste"
          ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
          : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
      field?.dispatchEvent(event);
    };
    give("drop", "dropped.png");
    give("paste", "pasted.png");
  });
  await page.getByLabel("files to attach").setInputFiles({ name: "chosen.png", mimeType: "image/png", buffer: Buffer.from("x") });
  const list = page.getByRole("list", { name: "files of the message" });
  for (const name of ["dropped.png", "pasted.png", "chosen.png"]) await list.getByText(name).waitFor();
  await page.getByRole("button", { name: "without pasted.png" }).click();
  await box.press("Enter");
  await list.waitFor({ state: "detached" });
  await page.waitForFunction(() => document.querySelector(".sending") === null);
  expect(hive.called("upload_start")).toEqual([
    { name: "scout", file: "dropped.png", bytes: 22 },
    { name: "scout", file: "pasted.png", bytes: 21 },
    { name: "scout", file: "chosen.png", bytes: 1 },
  ]);
  expect(hive.called("upload_piece")[0]?.["piece"]).toBe(Buffer.from("content of dropped.png").toString("base64"));
  expect(hive.called("send")[0]?.["body"]).toBe("look\n\n[file] /state/inbox/0.png\n[file] /state/inbox/2.png");

  hive.answers.upload_start = () => {
    throw new HiveError("disk_full", "there is no room");
  };
  await page.getByLabel("files to attach").setInputFiles({ name: "big.png", mimeType: "image/png", buffer: Buffer.from("x") });
  await page.getByText("big.png: there is no room").waitFor();
  expect(await list.count()).toBe(0);
  expect(problems.filter((one) => !one.includes("409"))).toEqual([]);
});

test("the changes of a workspace are shown like a proposal's, with what was not compared", async () => {
  const file = { path: "src/app.ts", status: "modified" as const, binary: false, added: 1, removed: 1, cut: false };
  hive.answers.workspaces = () => ({
    workspaces: ["web", "docs"].map((repo) => ({ agent: "scout", repo, in_config: true })),
  });
  hive.answers.workspace_diff = ({ repo }) => ({
    base: "main",
    from: "1234567".padEnd(40, "0"),
    files: repo === "web" ? [{ ...file, patch: "@@ -1,2 +1,2 @@\n-old\n+new \u202E line\n same\n" }] : [],
    left_out: repo === "web" ? [{ path: "pipe", kind: "fifo" as const }] : [],
  });
  const { page, problems } = await openPage(browser, hive, "/agent/scout?tab=changes");
  const changes = page.getByRole("region", { name: "changes of scout" });
  await changes.getByText("web against main at 1234567").waitFor();
  await changes.getByRole("region", { name: "file src/app.ts" }).getByText("⟨U+202E⟩").waitFor();
  await changes.getByRole("region", { name: "not compared" }).getByText("pipe").waitFor();
  for (const [name, width] of [
    ["desk", 1440],
    ["phone", 390],
  ] as const) {
    await page.setViewportSize({ width, height: 844 });
    const faults = [...(await layoutFaults(page)), ...(await cutTexts(page))];
    if (name === "phone") faults.push(...(await smallTargets(page)), ...(await sidewaysScrollers(page)));
    expect(faults).toEqual([]);
  }
  await changes.getByLabel("workspace").selectOption("docs");
  await changes.getByText("Nothing differs from the base.").waitFor();
  expect(problems).toEqual([]);
});
