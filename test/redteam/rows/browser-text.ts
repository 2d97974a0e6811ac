import { connectLines } from "../../../src/rpc/client.ts";
import { EVIL, NAME } from "../../lib/hostile-hive.ts";
import { calm, goTo, whatShows } from "../../lib/hostile-look.ts";
import type { Shown, Texts } from "../outside/texts.ts";
import type { Place } from "../outside/place.ts";
import type { OutsideRow } from "../row.ts";

/** Text of agents in the operator's page: no script, no dialog, no request elsewhere, no element and no layout of its own. */

const EVIL_PART = encodeURIComponent(EVIL);
const TEXT = /the text stays text/;
const BARRIER = "text becomes text nodes";

const row = (id: string, attempt: string, run: (texts: Texts) => Promise<string>): OutsideRow<Place> => ({
  from: "browser",
  id: `text-${id}`,
  attempt,
  barrier: BARRIER,
  refusal: TEXT,
  run: async (place) => run(await place.texts()),
});

/** The fields of which agents determine the text, with the pages that show them. */
const FIELDS: readonly (readonly [id: string, fields: string, ...pages: Shown[]])[] = [
  ["request", "the description, the risks and the note of a request", ["/?card=request-42", ".mini .a"]],
  ["question", "a question and its options", ["/?card=question-17", ".card.q .foot"]],
  [
    "message",
    "the body, the sender and the reason of a message",
    ["/?card=message-3", ".card.wrong .foot"],
    ["/?tab=inbox", ".inbox .body"],
    ["/?tab=flow", ".msg .body"],
    ["/?open=thread:61", ".thread .this"],
  ],
  ["search", "a message that a search finds", ["/?q=img&tab=flow", ".found .msg"]],
  [
    "status",
    "the status, the description, the model and the warnings of an agent",
    ["/?tab=swarm", ".kept time"],
    ["/agent/hm1nd?tab=side", ".side figure"],
    ["/agent/hm1nd?tab=side&view=30d", ".side figure"],
  ],
  [
    "reason",
    "the reasons of failed turns and of stopped and destroyed agents",
    ["/agent/gone", ".tail .ev"],
    ["/agent/gone?tab=side", ".side figure"],
    ["/agent/bad", ".unready .foot"],
  ],
  [
    "tools",
    "the input and the output of every tool, thoughts, markdown and code",
    ["/agent/hm1nd", ".tail .ev"],
    ["/?open=turns:hm1nd", ".drawer td"],
  ],
  ["log", "the log of an agent", ["/?open=logs:hm1nd", ".drawer .file"], [`/?open=logs:${EVIL_PART}`, ".drawer .file"]],
  [
    "config",
    "the names and the content of a config's files, and the inputs of a build",
    ["/?open=config:hm1nd", ".drawer .file"],
    ["/?tab=meta", ".inputs label"],
  ],
  [
    "history",
    "the requests and the deploys of the past",
    ["/?open=deploys:hm1nd", ".drawer li"],
    ["/history", ".history .ended"],
  ],
  ["cost", "the models of the cost table", ["/?open=cost:hm1nd", ".drawer td"]],
  ["usage", "the models of the page of usage", ["/usage", ".usage-page td"]],
  [
    "diff",
    "the names, the modes and the lines of a diff",
    ["/approval/42", ".ln.a"],
    ["/approval/42?view=split", ".split .ln.a"],
  ],
  [
    "change",
    "the title, the branch, the text, the diff and the comments of a change",
    ["/?card=change-12", ".card.change .foot"],
    ["/change/12", ".thread-of-line .comment"],
    ["/change/12?view=split", ".split .ln.a"],
  ],
  ["check", "the output of a check", ["/change/14", ".check .file"], ["/?open=check:14", ".drawer .file"]],
  [
    "repository",
    "the branches, the bases and the settings of a repository",
    ["/work", ".change-row"],
    ["/work/web", ".part .plain li"],
  ],
  [
    "name",
    "the name of an agent",
    ["/swarm", ".graph .edge"],
    ["/?open=spawn", ".dialog form"],
    [`/agent/${encodeURIComponent(NAME)}`, ".loading"],
  ],
  [
    "address",
    "the address of a page",
    [`/?open=${EVIL_PART}&who=${EVIL_PART}&with=${EVIL_PART}`, ".compose"],
    [`/agent/${EVIL_PART}`, ".loading"],
  ],
];

const fields = FIELDS.map(([id, words, ...pages]) =>
  row(id, `put script, markup, links, steering and hiding characters into ${words}`, (texts) =>
    texts.look(texts.hives.all, pages, { loads: id === "address" }),
  ),
);

const refusals = row("refusal", "put them into what the hive quotes when it refuses a page's reads", (texts) =>
  texts.look(
    texts.hives.refusing,
    [
      "/?card=request-42&tab=call",
      "/?tab=meta",
      "/?q=img&tab=flow",
      "/?open=logs:hm1nd",
      "/?open=config:hm1nd",
      "/?open=deploys:hm1nd",
      "/?open=turns:hm1nd",
      "/agent/hm1nd?tab=side",
      "/approval/42",
      "/history",
    ].map((path) => [path, "main"]),
    { words: "refused:" },
  ),
);

const port = row("port", "put them into the page on an agent's own port", (texts) =>
  texts.look(
    texts.hives.port,
    (
      [
        ["", ".tail .ev"],
        ["?tab=side", ".side figure"],
        ["?open=logs:hm1nd", ".drawer .file"],
        ["?open=config:hm1nd", ".drawer .file"],
        ["?open=turns:hm1nd", ".drawer td"],
      ] as const
    ).map(([path, whole]) => [`/agent/hm1nd${path}`, whole]),
  ),
);

/** Addresses of every scheme that is no page of the web, as markdown and as plain text. */
const LINKS = [
  "javascript:window.pwned=1",
  "JaVaScRiPt:window.pwned=1",
  "java\tscript:window.pwned=1",
  " javascript:window.pwned=1",
  "data:text/html,<script>window.pwned=1</script>",
  "vbscript:x",
  "file:///etc/passwd",
  "blob:null/x",
  "//evil.example/x",
];

const real: readonly OutsideRow<Place>[] = [
  {
    from: "browser",
    id: "text-hive",
    attempt: "put them into a message, a question and the status of an agent of a real hive, over its own socket",
    barrier: BARRIER,
    refusal: TEXT,
    async run(place) {
      const client = await connectLines(place.hive.agentSocket("ada"));
      await client.call("send", { to: "operator", body: EVIL });
      await client.call("set_status", { text: EVIL.slice(0, 150) });
      await client.call("ask_operator", { question: EVIL, options: [EVIL.slice(0, 150), "b"] });
      client.close();
      const { page } = await place.attacker();
      for (const path of ["/?tab=inbox", "/?tab=call", "/?tab=swarm", "/agent/ada"]) {
        await page.goto(place.hive.home + path);
        await page.getByText("evil.example").first().waitFor();
        const harm = await whatShows(page);
        if (JSON.stringify(harm) !== JSON.stringify(calm)) return `${path}: ${JSON.stringify(harm)}`;
      }
      throw new Error("the text stays text");
    },
  },
  {
    from: "browser",
    id: "text-links",
    attempt: "make links that lead to a script, to data or to a file, in a message to the operator",
    barrier: "links are http and https alone",
    refusal: /no link of \d+ leads elsewhere/,
    async run(place) {
      const client = await connectLines(place.hive.agentSocket("eve"));
      const good = "https://good.example/page";
      const body = [`the links ${good}`, ...LINKS.flatMap((one) => [`[a link](${one})`, `<${one}>`, one])].join("\n\n");
      await client.call("send", { to: "operator", body });
      client.close();
      const { page } = await place.attacker();
      await goTo(page, `${place.hive.home}/?tab=inbox`, ".inbox .body");
      await page.getByText("the links").first().waitFor();
      const links = await page.evaluate(() =>
        [...document.links].map((link) => ({
          protocol: link.protocol,
          href: link.href,
          rel: link.rel,
          isOwn: link.origin === location.origin,
        })),
      );
      const bad = links.filter(
        ({ protocol, isOwn, rel }) => !/^https?:$/.test(protocol) || (!isOwn && !rel.includes("noreferrer")),
      );
      if (bad.length > 0) return JSON.stringify(bad);
      if (!links.some(({ href }) => href === good)) throw new Error("the page has not even the good link");
      throw new Error(`no link of ${links.length} leads elsewhere`);
    },
  },
];

export const hostileTextRows: readonly OutsideRow<Place>[] = [...fields, refusals, port, ...real];
