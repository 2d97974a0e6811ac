import { expect, test } from "vitest";
import { attributesOf, Collector } from "../lib/collector.ts";
import { TestHive } from "../lib/hive.ts";

test("a hive exports what its gateway meters to the collector that its settings name, and no word of a message", async () => {
  const collector = await new Collector().start();
  const hive = await new TestHive({ HIVE_OTLP_ENDPOINT: `${collector.url}/` })
    .play([{ when: { text: "." }, steps: [{ say: "the answer is zebra" }] }])
    .start();
  try {
    await hive.call("send", { to: "hm1nd", body: "tell me about quaggas" });
    await collector.until(() => collector.spans.some(({ name }) => name === "invoke_agent hm1nd") && collector.points.size === 2);
    expect(collector.problems).toEqual([]);
    const turn = collector.spans.find(({ name }) => name === "invoke_agent hm1nd");
    const chats = collector.spans.filter(({ parentSpanId }) => parentSpanId === turn?.spanId);
    expect(chats.length).toBeGreaterThan(0);
    for (const chat of chats) {
      expect(chat.traceId).toBe(turn?.traceId);
      expect(Number(attributesOf(chat)["gen_ai.usage.output_tokens"])).toBeGreaterThan(0);
      expect(BigInt(chat.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(chat.startTimeUnixNano));
    }
    expect(collector.bodies.join("")).not.toMatch(/zebra|quagga/);
  } finally {
    await hive.dispose();
    await collector.stop();
  }
});
