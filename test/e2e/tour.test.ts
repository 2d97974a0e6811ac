import { expect, test } from "vitest";
import { systemWords } from "../../src/wire/system-event.ts";
import { hiveTools } from "../../src/harness/mcp/tools.ts";
import { REHEARSED_ADDRESS } from "../../src/wire/address-kinds.ts";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { TestHive } from "../lib/hive.ts";

test("the built-in tour uses every tool, visibly, and changes what the operator approves", async () => {
  const hive = await new TestHive().start();
  try {
    await hive.call("send", { to: "hm1nd", body: "tour" });
    // It requests a guest and cancels a second request. The tour continues when the guest exists.
    const { request: taken } = await untilRequest(hive, (one) => one.agent === "idea" && one.state === "cancelled");
    const { request: guest } = await untilRequest(hive, (one) => one.agent === "guest" && one.state === "pending");
    expect(taken.resolved_by).toBe("hm1nd");
    await hive.call("approve", { id: guest.id });
    await hive.untilMessage((message) => message.to === "operator" && message.body?.startsWith("That was the tour") === true);
    await hive.untilMessage((message) => message.to === "operator" && message.body?.startsWith("guest took part") === true);
    // The change that it proposes is read, approved and deployed.
    const { request: change } = await untilRequest(hive, (one) => one.kind === "apply_commit" && one.state === "pending");
    expect(change.risks.map((risk) => risk.kind)).toContain("model");
    await hive.call("approve", { id: change.id, ...(change.digest ? { digest: change.digest } : {}) });
    await hive.untilMessage(
      (message) => message.to === "operator" && message.body?.startsWith("The change of guest is live") === true,
    );
    await hive.untilAgent("guest", (agent) => agent.model === "haiku" && agent.deploying === undefined);
    await hive.untilMessage((message) => message.from === "hm1nd/bell" && message.state === "done");
    // Three questions of different kinds. Each answer is received.
    const { questions } = await hive.call("questions", {});
    expect(questions.map(({ options, multi }) => [options.length, multi])).toEqual([
      [0, false],
      [3, false],
      [3, true],
    ]);
    await hive.call("answer", { id: questions[0]?.id ?? 0, text: "captain" });
    await hive.untilMessage((message) => message.to === "operator" && message.body === "Thank you, I heard: captain");
    // Several lines, and characters that JSON escapes, arrive unchanged. A status is one line of it.
    const several = { options: questions[2]?.options.slice(0, 2) ?? [], text: 'and "more"' };
    await hive.call("answer", { id: questions[2]?.id ?? 0, ...several });
    const heard = [...several.options, several.text];
    await hive.untilMessage((message) => message.to === "operator" && message.body === `Thank you, I heard: ${heard.join("\n")}`);
    await hive.untilAgent("hm1nd", (agent) => agent.status_text === `heard: ${heard.join(" ")}`);

    // Two agents work on the sample repository: one writes, the other reviews, and the operator merges.
    await hive.call("send", { to: "hm1nd", body: "work" });
    for (const name of ["maker", "critic"]) {
      const { request } = await untilRequest(hive, (one) => one.agent === name && one.state === "pending");
      await hive.call("approve", { id: request.id });
    }
    await hive.untilMessage((message) => message.to === "operator" && message.body?.includes("of greeter is ready") === true);
    const { changes } = await hive.call("changes", { repo: "greeter" });
    expect(changes.map(({ title, state, round }) => `${title}: ${state}, round ${round}`)).toEqual([
      "Greet loudly: withdrawn, round 1",
      "Greet several people: proposed, round 2",
    ]);
    const { change: ready, comments } = await hive.call("change", { change: changes[1]?.id ?? 0 });
    expect(comments.flatMap(({ author, answer }) => (answer === undefined ? [] : [`${author}: ${answer}`]))).toEqual([
      "critic: Now it is: the last check of test.sh.",
    ]);
    await hive.call("change_approve", { change: ready.id, sha: ready.sha, digest: ready.digest });
    // The repository follows a rehearsed host, where it becomes a pull request. That host merges when the hive fetches.
    const { repo } = await hive.call("repo", { name: "greeter" });
    expect([repo.upstream, repo.forge]).toEqual([REHEARSED_ADDRESS, "github"]);
    const pulled = await hive.watch(
      (event) => event.kind === "change" && event.change.id === ready.id && event.change.pull_request?.state === "open",
      { after: 0, kinds: ["change"] },
    );
    expect(pulled.at(-1)).toMatchObject({
      change: { state: "in_pull_request", pull_request: { number: 1, url: "https://rehearsal.invalid/tour/greeter/pull/1" } },
    });
    await hive.call("repo_fetch", { name: "greeter" });
    const merged = await hive.watch((event) => event.kind === "change" && event.change.state === "merged", {
      after: 0,
      kinds: ["change"],
    });
    // What was merged there is merged here.
    const end = merged.at(-1);
    if (end?.kind !== "change") throw new Error("unreachable");
    expect(end.change.note).toBe("merged as pull request 1: https://rehearsal.invalid/tour/greeter/pull/1");
    const { repo: after } = await hive.call("repo", { name: "greeter" });
    expect(after.bases).toEqual([{ name: "main", sha: end.change.merged_sha }]);

    const events = (
      await Promise.all(["hm1nd", "guest", "maker", "critic"].map((agent) => hive.call("turn_events", { agent, limit: 500 })))
    ).flatMap((page) => page.events.map(({ event }) => event));
    const used = new Set(events.flatMap((event) => (event.type === "tool_use" ? [event.name] : [])));
    const all = [...hiveTools.map(({ name }) => `mcp__hive__${name}`), "Bash", "Read", "Write", "Edit", "Glob", "Grep"];
    expect(all.filter((name) => !used.has(name))).toEqual([]);
    // No tool was called that is not offered, and nothing failed except what should.
    const texts = events.flatMap((event) => (event.type === "text" ? [event.text] : []));
    expect(texts.filter((text) => text.includes("is not offered"))).toEqual([]);
    const failed = events.flatMap((event) => (event.type === "tool_result" && event.is_error ? [event.text] : []));
    expect(failed).toHaveLength(1);
    expect(failed[0]).toContain("cannot access '/root'");
    const results = events.flatMap((event) => (event.type === "tool_result" ? [event.text] : [])).join("\n");
    expect(results).toContain("example.com:443 403");
    const { messages } = await hive.call("messages", { limit: 200 });
    // All notices of the daemon have words of their own, in the form it really writes.
    const told = messages.filter(({ from }) => from === "system").map(({ from, body = "" }) => systemWords(from, body) ?? body);
    expect(told.length).toBeGreaterThan(5);
    expect(told.filter((words) => /^\{| · agent /.test(words))).toEqual([]);
    // No chain talks forever.
    expect(messages.filter((message) => message.state === "held")).toEqual([]);
    // The work is scripted once, and says so.
    await hive.call("send", { to: "hm1nd", body: "work" });
    await hive.untilMessage(({ to, body }) => to === "operator" && body?.startsWith("maker was asked for already") === true);
  } finally {
    await hive.dispose();
  }
});

/** Waits for a request that satisfies a condition, past ones included. */
async function untilRequest(hive: TestHive, condition: (request: ApprovalView) => boolean): Promise<{ request: ApprovalView }> {
  const events = await hive.watch((event) => event.kind === "approval" && condition(event.approval), {
    after: 0,
    kinds: ["approval"],
  });
  const last = events.at(-1);
  if (last?.kind !== "approval") throw new Error("unreachable");
  return { request: last.approval };
}
