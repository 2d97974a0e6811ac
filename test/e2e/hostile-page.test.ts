import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch } from "../lib/browser.ts";
import { FixtureHive, openPage } from "../lib/fixture-hive.ts";
import { aHive, aMessage, anAgent, anApproval, aQuestion, ago, aState, BASE, events } from "../lib/fixtures.ts";

/** Hostile text in every field that an agent, a commit or a repository can fill, on every page. */

const EVIL = `"><img src="https://evil.example/x" onerror="window.pwned=1"></script><script>window.pwned=1</script><svg onload=alert(1)> [x](javascript:alert(1)) javascript:alert(2) {{7*7}} \u001B[31m\u001B]8;;https://evil.example\u0007link\u001B]8;;\u0007 \u001B]52;c;ZXZpbA==\u0007 \u202Egnp.exe \u2066x\u2069 \u200B${"W".repeat(300)}`;
const NAME = `a"><img src=x onerror=alert(1)>`;

let browser: Browser;
let hive: FixtureHive;
beforeAll(async () => {
  const approval = anApproval({
    agent: NAME,
    description: EVIL,
    requested_by: EVIL,
    risks: [{ level: "danger", kind: "egress", text: EVIL, path: EVIL }],
    note: EVIL,
  });
  const state = aState({
    hive: aHive({ upstream: EVIL, scenarios: [EVIL], banners: [{ level: "warn", text: EVIL }], operator_unread: 1 }),
    agents: [
      anAgent("hm1nd", {
        status_text: EVIL,
        model: EVIL,
        description: EVIL,
        deployed_sha: EVIL,
        warnings: [EVIL],
        revision: EVIL,
        unread: 3,
      }),
      anAgent("bad", {
        state: "failed",
        failed: true,
        state_reason: EVIL,
        last_turn: { turn: 1, ok: false, reason: EVIL, duration_ms: 1, ended_at: ago(9) },
      }),
    ],
    questions: [aQuestion(EVIL, { id: 17, agent: "hm1nd", options: [EVIL, "b"], multi: true })],
    approvals: [approval, anApproval({ id: 44, agent: "hm1nd", state: "activating", description: EVIL })],
    stuck: [aMessage(NAME, "hm1nd", EVIL, { id: 3, state: "dead", reason: EVIL })],
    messages: [
      aMessage(`hm1nd/${NAME}`, "operator", EVIL, { id: 60 }),
      aMessage("operator", "hm1nd", EVIL, { id: 61, in_reply_to: 60, state: "held", reason: EVIL }),
      aMessage("system", "hm1nd", JSON.stringify({ event: EVIL, agent: EVIL }), { id: 62, state: "queued" }),
    ],
  });
  hive = await new FixtureHive(state, {
    show: () => ({
      approval,
      base_sha: BASE,
      files: [
        {
          path: EVIL,
          old_path: `${EVIL}2`,
          status: "renamed",
          old_mode: EVIL,
          new_mode: "120000",
          binary: false,
          added: 1,
          removed: 1,
          cut: false,
          patch: `@@ -1 +1 @@ ${EVIL}\n-${EVIL}\n+${EVIL} more\n`,
        },
      ],
      cut: false,
    }),
    approvals: () => ({
      approvals: [
        anApproval({ id: 9, agent: NAME, state: "failed", error: EVIL, description: EVIL, tag: EVIL, resolved_by: EVIL }),
      ],
    }),
    deploys: () => ({
      deploys: [{ id: 9, state: "failed", at: ago(9), origin: "request", by: EVIL, description: EVIL, error: EVIL, runs: false }],
    }),
    meta: () => ({ inputs: [{ name: EVIL, rev: EVIL, rebuilds: [EVIL] }] }),
    turns: () => ({
      turns: [{ turn: 1, from: EVIL, started_at: ago(9), ended_at: ago(8), ok: false, reason: EVIL, duration_ms: 1, tokens: 1 }],
    }),
    egress: () => ({ connections: [{ id: 1, at: ago(9), host: EVIL, port: 1, verdict: EVIL, bytes_in: 0, bytes_out: 0 }] }),
    logs: ({ after }) => (after === undefined ? { lines: [EVIL], position: 1 } : new Promise(() => {})),
    config: () => ({
      files: [
        { path: "agent.json", text: EVIL },
        { path: EVIL, text: EVIL },
      ],
    }),
    search: () => ({ messages: [aMessage(NAME, "hm1nd", EVIL, { id: 60 })], indexing: false }),
    turn_events: () => ({
      more: false,
      events: events("hm1nd", [
        { type: "turn_start", turn: 1, message_id: 1, from: EVIL, body: EVIL, unread: 1, redelivered: true },
        { type: "session", session_id: EVIL, model: EVIL, mcp: { [EVIL]: EVIL } },
        { type: "thinking", text: EVIL, ms: 5 },
        {
          type: "text",
          text: `# ${EVIL}\n- ${EVIL}\n> ${EVIL}\n**${EVIL}**\n\`\`\`${EVIL}\n\`\`\`html\n${EVIL}\n\`\`\`\n\`${EVIL}\``,
        },
        ...[
          "Bash",
          "Read",
          "Edit",
          "MultiEdit",
          "Write",
          "Grep",
          "TodoWrite",
          "mcp__hive__send",
          "mcp__hive__ask_operator",
          "mcp__hive__set_status",
          "mcp__hive__recv",
          EVIL,
        ].flatMap((name, n) => [
          {
            type: "tool_use" as const,
            id: `t${n}`,
            name,
            input: {
              command: EVIL,
              file_path: EVIL,
              pattern: EVIL,
              path: EVIL,
              old_string: EVIL,
              new_string: `${EVIL}.`,
              content: EVIL,
              to: EVIL,
              body: EVIL,
              question: EVIL,
              options: [EVIL],
              text: EVIL,
              wait: EVIL,
              todos: [EVIL],
              edits: [{ old_string: EVIL, new_string: "" }],
            },
          },
          { type: "tool_result" as const, id: `t${n}`, text: `${EVIL}\n${EVIL}`, is_error: n % 2 === 0, cut_from: 9 },
        ]),
        { type: "note", level: "error", text: EVIL },
        {
          type: "turn_end",
          turn: 1,
          ok: false,
          reason: EVIL,
          duration_ms: 5,
          tokens: { input: 1, output: 1, cache_read: 0, cache_write: 0 },
        },
      ]),
    }),
  }).start();
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await hive.stop();
});

const PAGES = [
  "/",
  "/?tab=swarm",
  "/?tab=inbox",
  "/?tab=flow",
  "/?tab=meta",
  "/?q=img&tab=flow",
  "/?open=thread:61",
  "/?open=logs:hm1nd",
  "/?open=config:hm1nd",
  "/?open=deploys:hm1nd",
  "/?open=turns:hm1nd",
  "/agent/hm1nd",
  "/agent/hm1nd?tab=side",
  "/approval/42",
  "/approval/42?view=split",
  "/history",
  "/swarm",
  `/?open=${encodeURIComponent(EVIL)}&who=${encodeURIComponent(EVIL)}&with=${encodeURIComponent(EVIL)}`,
  `/agent/${encodeURIComponent(NAME)}`,
];

const cases = [1440, 390].flatMap((width) => [0, 1, 2, 3].map((part) => ({ width, part })));
test.each(cases)(
  "no dialog, no foreign request, no report, and the layout stands: part $part at $width px",
  async ({ width, part }) => {
    const { context, page, problems } = await openPage(browser, hive, "/", { viewport: { width, height: 850 } });
    const foreign: string[] = [];
    const dialogs: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(hive.home)) foreign.push(request.url());
    });
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    for (const path of PAGES.filter((_, n) => n % 4 === part)) {
      await page.goto(hive.home + path);
      await page.locator("main").first().waitFor();
      if (/open=[a-z]+:/.test(path)) await page.getByRole("dialog").waitFor();
      // What is folded is opened: it is a field like any other.
      await page.evaluate(() => {
        for (const fold of document.querySelectorAll<HTMLElement>("main button[aria-expanded=false]:not([aria-haspopup])"))
          fold.click();
      });
      const seen = await page.evaluate(() => ({
        pwned: "pwned" in window,
        images: document.images.length,
        scripts: [...document.scripts].filter((script) => script.src === "").length,
        links: [...document.links].map((link) => link.protocol).filter((one) => !one.startsWith("http")),
        controls: /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\u200B]/.test(document.body.innerText),
        title: /\u202E/.test(document.title),
        // What sticks out, by name: a number would not say what to mend.
        wide:
          document.documentElement.scrollWidth > innerWidth
            ? [...document.querySelectorAll("body *")]
                .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
                .map((one) => `${one.tagName} ${one.getAttribute("class") ?? ""}`)
                .slice(0, 8)
            : [],
      }));
      expect(seen, path).toEqual({ pwned: false, images: 0, scripts: 0, links: [], controls: false, title: false, wide: [] });
    }
    await context.close();
    expect({ foreign, dialogs, problems }).toEqual({ foreign: [], dialogs: [], problems: [] });
  },
);
