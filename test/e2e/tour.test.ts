import { expect, test } from "vitest";
import { hiveTools } from "../../src/harness/mcp/tools.ts";
import { TestHive } from "../lib/hive.ts";

/** Tools that the tour does not show yet: what they ask for waits for the operator, and their tests are those of deploys. */
const NOT_SHOWN = new Set(["request_spawn", "request_apply_commit", "cancel_request", "update"]);

test("the built-in tour uses every tool but those that request, visibly, and tells the operator", async () => {
  const hive = await new TestHive().start();
  try {
    await hive.call("spawn", { name: "scout" });
    await hive.call("send", { to: "hm1nd", body: "tour" });
    await hive.untilMessage((message) => message.to === "operator" && message.body?.startsWith("That was the tour") === true);
    await hive.untilMessage((message) => message.to === "operator" && message.body?.startsWith("scout took part") === true);
    await hive.untilMessage((message) => message.from === "hm1nd/bell" && message.state === "done");
    // Three questions of different kinds; each answer is heard.
    const { questions } = await hive.call("questions", {});
    expect(questions.map(({ options, multi }) => [options.length, multi])).toEqual([
      [0, false],
      [3, false],
      [3, true],
    ]);
    await hive.call("answer", { id: questions[0]?.id ?? 0, text: "captain" });
    await hive.untilMessage((message) => message.to === "operator" && message.body === "Thank you, I heard: captain");

    const events = (
      await Promise.all(["hm1nd", "scout"].map((agent) => hive.call("turn_events", { agent, limit: 500 })))
    ).flatMap((page) => page.events.map(({ event }) => event));
    const used = new Set(events.flatMap((event) => (event.type === "tool_use" ? [event.name] : [])));
    const shown = hiveTools.map(({ name }) => name).filter((name) => !NOT_SHOWN.has(name));
    const all = [...shown.map((name) => `mcp__hive__${name}`), "Bash", "Read", "Write", "Edit", "Glob", "Grep"];
    expect(all.filter((name) => !used.has(name))).toEqual([]);
    // Nothing was asked for that is not offered, and nothing failed but what is meant to.
    const texts = events.flatMap((event) => (event.type === "text" ? [event.text] : []));
    expect(texts.filter((text) => text.includes("is not offered"))).toEqual([]);
    const failed = events.flatMap((event) => (event.type === "tool_result" && event.is_error ? [event.text] : []));
    expect(failed).toHaveLength(1);
    expect(failed[0]).toContain("cannot access '/root'");
    const results = events.flatMap((event) => (event.type === "tool_result" ? [event.text] : [])).join("\n");
    expect(results).toContain("example.com:443 403");
    // Nobody talks on for ever.
    expect((await hive.call("messages", {})).messages.filter((message) => message.state === "held")).toEqual([]);
  } finally {
    await hive.dispose();
  }
});
