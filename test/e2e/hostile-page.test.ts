import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch } from "../lib/browser.ts";
import type { FixtureHive } from "../lib/fixture-hive.ts";
import { EVIL, hostileHive, NAME } from "../lib/hostile-hive.ts";
import { calm, goTo, openWatched, whatShows } from "../lib/hostile-look.ts";

/** Hostile text in every field that an agent, a commit or a repository can fill, on every page. */

let browser: Browser;
let hive: FixtureHive;
beforeAll(async () => {
  [browser, hive] = await Promise.all([launch(), hostileHive().start()]);
});
afterAll(async () => {
  await browser.close();
  await hive.stop();
});

const EVIL_PART = encodeURIComponent(EVIL);
/** Addresses, each with an element that exists once the page is complete. */
const PAGES: readonly (readonly [path: string, whole: string])[] = [
  ["/?card=request-42", ".mini .a"],
  ["/?card=question-17", ".card.q .foot"],
  ["/?card=message-3", ".card.wrong .foot"],
  ["/?tab=swarm", ".kept time"],
  ["/?tab=inbox", ".inbox .body"],
  ["/?tab=flow", ".msg .body"],
  ["/?tab=meta", ".inputs label"],
  ["/?q=img&tab=flow", ".found .msg"],
  ["/?open=thread:61", ".thread .this"],
  ["/?open=logs:hm1nd", ".drawer .file"],
  ["/?open=config:hm1nd", ".drawer .file"],
  ["/?open=deploys:hm1nd", ".drawer li"],
  ["/?open=turns:hm1nd", ".drawer td"],
  ["/?open=cost:hm1nd", ".drawer td"],
  ["/?open=spawn", ".dialog form"],
  ["/agent/hm1nd", ".tail .ev"],
  ["/agent/hm1nd?tab=side", ".side figure"],
  ["/agent/hm1nd?tab=side&view=30d", ".side figure"],
  ["/agent/gone", ".tail .ev"],
  ["/agent/gone?tab=side", ".side figure"],
  ["/agent/bad", ".unready .foot"],
  ["/approval/42", ".ln.a"],
  ["/approval/42?view=split", ".split .ln.a"],
  ["/work", ".change-row"],
  ["/work/web", ".part .plain li"],
  ["/?card=change-12", ".card.change .foot"],
  ["/change/12", ".thread-of-line .comment"],
  ["/change/12?view=split", ".split .ln.a"],
  ["/change/14", ".check .file"],
  ["/?open=check:14", ".drawer .file"],
  ["/history", ".history .ended"],
  ["/swarm", ".graph .edge"],
  [`/?open=${EVIL_PART}&who=${EVIL_PART}&with=${EVIL_PART}`, ".compose"],
  [`/?open=logs:${EVIL_PART}`, ".drawer .file"],
  [`/agent/${encodeURIComponent(NAME)}`, ".loading"],
  [`/agent/${EVIL_PART}`, ".loading"],
];

const cases = [1440, 390].flatMap((width) => [0, 1, 2, 3].map((part) => ({ width, part })));
test.each(cases)(
  "no dialog, no foreign request, no report, and the layout is intact: part $part at $width px",
  async ({ width, part }) => {
    const { page, close } = await openWatched(browser, hive, width);
    for (const [path, whole] of PAGES.filter((_, n) => n % 4 === part)) {
      await goTo(page, hive.home + path, whole);
      expect(await whatShows(page), path).toEqual(calm);
    }
    await close();
  },
);
