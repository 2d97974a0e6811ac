import { afterEach, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { IDLE_CLI, TestHive } from "../lib/hive.ts";
import { spawnStopped, standIn } from "../lib/stand-in.ts";

let hive: TestHive;
afterEach(() => hive.dispose());

test("a waiting receiver gets a message before its sender's call returns", async () => {
  hive = await new TestHive(IDLE_CLI).start();
  for (const name of ["ada", "bob"]) await spawnStopped(hive, name);
  const { client: bob } = await standIn(hive, "bob", "bob-stands-in");
  const ada = await connectLines(hive.agentSocket("ada"));
  const order: string[] = [];
  const rounds = 20;
  for (let turn = 1; turn <= rounds; turn++) {
    const got = bob.call("next", {}).then(({ message }) => order.push(`got ${message?.body}`));
    // Answered in the order of the connection: when this is answered, bob waits.
    await bob.call("whoami", {});
    await ada.call("send", { to: "bob", body: `${turn}` }).then(() => order.push(`sent ${turn}`));
    await got;
    await bob.call("finish", { turn, outcome: { kind: "ok" } });
  }
  expect(order).toEqual(Array.from({ length: rounds }, (_, nth) => [`got ${nth + 1}`, `sent ${nth + 1}`]).flat());
  for (const client of [ada, bob]) client.close();
});
