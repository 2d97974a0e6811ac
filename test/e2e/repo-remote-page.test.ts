import type { Browser, Page } from "playwright-core";
import { expect, test } from "vitest";
import { HiveError } from "../../src/wire/error.ts";
import type { RemoteView } from "../../src/wire/work.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { openPage } from "../lib/fixture-page.ts";
import { ago, aRepo } from "../lib/fixtures.ts";
import { layoutFaults, sidewaysScrollers, smallTargets } from "../lib/page-layout.ts";
import { sized, usePages, WIDTHS } from "../lib/pages.ts";
import { workHive } from "../lib/work-hive.ts";

/** Repositories of other hosts on the page: added, logged in and trusted. */

let browser: Browser;
let hive: FixtureHive;
usePages(workHive, (theBrowser, theHive) => {
  browser = theBrowser;
  hive = theHive;
});

const OLD = { type: "ssh-ed25519" as const, fingerprint: `SHA256:${"o".repeat(43)}` };
const NEW = { type: "ssh-ed25519" as const, fingerprint: `SHA256:${"N".repeat(43)}` };
const PUBLIC = `ssh-ed25519 ${"AAAAC3NzaC1lZDI1NTE5".padEnd(68, "x")} hive-api`;
const TOKEN = "ghp_0123456789";
const ADDRESS = "git@git.example.org:team/api.git";
const PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
const remote = (more: Partial<RemoteView> = {}): RemoteView => ({ credential: "token", fetched_at: ago(90), ...more });

/** The faults of the layout at the width of the window and at the other one. */
async function faultsOf(page: Page): Promise<string[]> {
  const faults: string[] = [];
  const own = page.viewportSize()?.width ?? 0;
  for (const width of [own, ...WIDTHS.filter((one) => one !== own)]) {
    await page.setViewportSize({ ...sized(width).viewport });
    const found = [
      ...(await layoutFaults(page)),
      // On a phone, fingers have to hit them.
      ...(width < 900 ? await smallTargets(page) : []),
      ...(await sidewaysScrollers(page)),
    ];
    faults.push(...found.map((fault) => `at ${width} px: ${fault}`));
  }
  await page.setViewportSize({ ...sized(own).viewport });
  return faults;
}

const open = (path: string, width: (typeof WIDTHS)[number]) =>
  openPage(browser, hive, path, { ...sized(width), hasTouch: width < 900 });
const kept = (page: Page) => page.evaluate(() => JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage)]));

/* What is done is the same at each width, so each is done at one. The layout is looked at in both. */

test("at 1440 px a repository is added over https, with a token that is not shown and in no draft", async () => {
  let refuse = true;
  hive.answers.repo_add_remote = ({ name, address }) => {
    if (refuse) throw new HiveError("forbidden", "https://git.example.org refuses the token");
    return { repo: aRepo(name, { upstream: address, remote: remote(), agents: [] }) };
  };
  const { page, problems } = await open("/work?open=repo", 1440);
  const dialog = page.getByRole("dialog", { name: "add a repository" });
  await dialog.getByLabel("name", { exact: true }).fill("api");
  await dialog.getByLabel(/^address/).fill("https://git.example.org/team/api.git");
  const token = dialog.getByLabel(/^token/);
  expect(await token.getAttribute("type")).toBe("password");
  await token.fill(TOKEN);
  await dialog.getByLabel(/private address/).check();
  expect(await faultsOf(page)).toEqual([]);
  await dialog.getByRole("button", { name: "add", exact: true }).click();
  await dialog.getByText("refuses the token").waitFor();
  expect(await kept(page)).not.toContain(TOKEN);
  refuse = false;
  await token.press("Enter");
  await page.getByText("repository api is added").waitFor();
  await page.getByRole("heading", { name: "api" }).waitFor();
  const input = { name: "api", address: "https://git.example.org/team/api.git", private: true, token: TOKEN };
  expect(hive.called("repo_add_remote")).toEqual([input, input]);
  expect(await page.content()).not.toContain(TOKEN);
  expect(problems).toEqual([expect.stringContaining("409")]);
});

test("at 390 px over ssh the host's key is shown first, with a key of the hive's to take along", async () => {
  hive.answers.repo_host_key = () => ({ key: OLD });
  hive.answers.repo_new_key = () => ({ public_key: PUBLIC });
  let knows = false;
  hive.answers.repo_add_remote = ({ name, address }) => {
    if (!knows) throw new HiveError("forbidden", "the host refuses the key for the user git");
    return { repo: aRepo(name, { upstream: address, remote: remote({ credential: "key", host_key: OLD }), agents: [] }) };
  };
  const { page, problems } = await open("/work?open=repo", 390);
  const dialog = page.getByRole("dialog", { name: "add a repository" });
  await dialog.getByLabel("name", { exact: true }).fill("api");
  await dialog.getByLabel(/^address/).fill(ADDRESS);
  await dialog.getByRole("button", { name: "next: ask the host" }).click();
  await dialog.getByText(OLD.fingerprint).waitFor();
  expect(await dialog.getByLabel(/^the hive’s key/).inputValue()).toBe(PUBLIC);
  expect(hive.called("repo_add_remote")).toEqual([]);
  expect(await faultsOf(page)).toEqual([]);
  // Another address is another host: it is asked for anew.
  await dialog.getByLabel(/^address/).fill("git@other.example.org:team/api.git");
  expect(await dialog.getByText(OLD.fingerprint).count()).toBe(0);
  await dialog.getByLabel(/^address/).fill(ADDRESS);
  await dialog.getByRole("button", { name: "next: ask the host" }).click();
  await dialog.getByRole("button", { name: "trust this host and add" }).click();
  await dialog.getByText("refuses the key for the user git").waitFor();
  // The key is still there, and the next try has the same.
  expect(await dialog.getByLabel(/^the hive’s key/).inputValue()).toBe(PUBLIC);
  knows = true;
  await dialog.getByRole("button", { name: "trust this host and add" }).click();
  await page.getByText("repository api is added").waitFor();
  expect(hive.called("repo_add_remote").at(-1)).toEqual({
    name: "api",
    address: ADDRESS,
    private: false,
    host_key: OLD,
    own_key: true,
  });
  expect(problems).toEqual([expect.stringContaining("409")]);
});

test("at 1440 px over ssh also with a key from a file", async () => {
  hive.answers.repo_host_key = () => ({ key: OLD });
  hive.answers.repo_add_remote = ({ name }) => ({ repo: aRepo(name, { agents: [] }) });
  const { page } = await open("/work?open=repo", 1440);
  const dialog = page.getByRole("dialog", { name: "add a repository" });
  await dialog.getByLabel("name", { exact: true }).fill("api");
  await dialog.getByLabel(/^address/).fill(ADDRESS);
  await dialog.getByLabel("key to log in with").selectOption("file");
  const file = { name: "deploy-key", mimeType: "text/plain", buffer: Buffer.from(PRIVATE) };
  await dialog.getByLabel(/^file of a private key/).setInputFiles(file);
  await dialog.getByRole("button", { name: "next: ask the host" }).click();
  await dialog.getByRole("button", { name: "trust this host and add" }).click();
  await page.getByText("repository api is added").waitFor();
  expect(hive.called("repo_new_key")).toEqual([]);
  expect(hive.called("repo_add_remote").at(-1)).toMatchObject({ key: PRIVATE, host_key: OLD });
  expect(await kept(page)).not.toContain("b3BlbnNzaC1rZXktdjEAAAAA");
});

test("at 390 px the page of a repository with pull requests gives them a token of their own", async () => {
  const web = aRepo("web", { upstream: ADDRESS, forge: "github", remote: remote({ credential: "key", host_key: OLD }) });
  hive.state.repos = [web];
  hive.answers.repo = () => ({ repo: web, branches: [], more: false });
  hive.answers.repo_login = ({ token }) => ({
    repo: { ...web, remote: remote({ credential: "key", host_key: OLD, forge_token: token !== undefined }) },
  });
  const { page, problems } = await open("/work/web", 390);
  await page.getByRole("button", { name: "change the log-in…" }).click();
  const login = page.getByRole("dialog", { name: "log web in at its host" });
  const token = login.getByLabel(/^pull requests: a token of their own/);
  expect(await token.getAttribute("type")).toBe("password");
  await token.fill(TOKEN);
  expect(await faultsOf(page)).toEqual([]);
  await login.getByRole("button", { name: "keep for pull requests" }).click();
  await page.getByText("pull requests by a token of their own").waitFor();
  expect(hive.called("repo_login").at(-1)).toEqual({ name: "web", token: TOKEN, forge: true });
  expect(await kept(page)).not.toContain(TOKEN);
  await page.getByRole("button", { name: "change the log-in…" }).click();
  await login.getByRole("button", { name: "remove the token for pull requests" }).click();
  await page.getByText("web has no token for pull requests any more").waitFor();
  expect(hive.called("repo_login").at(-1)).toEqual({ name: "web", forge: true });
  expect(problems).toEqual([]);
});

test("at 1440 px the page of a repository gives another log-in, and trusts another host key after both are shown", async () => {
  const failed = "the host shows another host key: hivectl repo trust web";
  const web = aRepo("web", {
    upstream: ADDRESS,
    remote: remote({ credential: "key", host_key: OLD, public_key: PUBLIC, failed }),
  });
  hive.state.repos = [web];
  hive.answers.repo = () => ({ repo: web, branches: [], more: false });
  hive.answers.repo_login = () => ({ repo: web });
  let shown = OLD;
  hive.answers.repo_host_key = () => ({ key: shown, known: OLD });
  hive.answers.repo_trust = ({ host_key: key }) => ({ repo: { ...web, remote: remote({ credential: "key", host_key: key }) } });
  const { page, problems } = await open("/work/web", 1440);
  await page.getByRole("button", { name: "change the log-in…" }).click();
  const login = page.getByRole("dialog", { name: "log web in at its host" });
  const file = { name: "deploy-key", mimeType: "text/plain", buffer: Buffer.from(PRIVATE) };
  await login.getByLabel(/^file of a private key/).setInputFiles(file);
  expect(await faultsOf(page)).toEqual([]);
  await login.getByRole("button", { name: "keep" }).click();
  await page.getByText("web has the key").waitFor();
  expect(hive.called("repo_login").at(-1)).toEqual({ name: "web", key: PRIVATE });
  await page.getByRole("button", { name: "change the log-in…" }).click();
  await login.getByRole("button", { name: "remove the key" }).click();
  await page.getByText("web has no key any more").waitFor();
  expect(hive.called("repo_login").at(-1)).toEqual({ name: "web" });

  await page.getByRole("button", { name: "compare the host key…" }).click();
  const asked = page.getByRole("alertdialog");
  await asked.getByText("The host shows the key that you have confirmed").waitFor();
  expect(await asked.getByRole("button", { name: "trust the new key" }).count()).toBe(0);
  await asked.getByRole("button", { name: "back" }).click();
  shown = NEW;
  await page.getByRole("button", { name: "compare the host key…" }).click();
  await asked.getByText(NEW.fingerprint).waitFor();
  await asked.getByText(OLD.fingerprint).waitFor();
  expect(await faultsOf(page)).toEqual([]);
  await asked.getByRole("button", { name: "trust the new key" }).click();
  await page.getByText(`web trusts ${NEW.fingerprint}`).waitFor();
  expect(hive.called("repo_trust")).toEqual([{ name: "web", host_key: NEW }]);
  expect(problems).toEqual([]);
});
