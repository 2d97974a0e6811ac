import { ready } from "./child.ts";
import { openLines } from "./wire.ts";

/** Connections of a flooding agent: all that its socket serves. */
const CONNECTIONS = 64;
/** What it asks without end: messages past its rate and past an inbox, its status, lists, and lines that are refused late. */
const LINES = [
  { cmd: "send", id: 1, to: "hm1nd", body: "x".repeat(1_000) },
  { cmd: "send", id: 1, to: "*", body: "x".repeat(100_000) },
  { cmd: "set_status", id: 1, text: "flooding" },
  { cmd: "list_agents", id: 1 },
  { cmd: "nothing", id: 1, values: Array.from({ length: 20_000 }, (_, at) => at) },
].map((line) => `${JSON.stringify(line)}\n`);

/** The role: an agent that floods its socket. It floods after it receives 1, until it receives 0, and reports both. */
export async function flooder([path = ""]: string[]): Promise<void> {
  const all = await Promise.all(Array.from({ length: CONNECTIONS }, () => openLines({ path })));
  let isOn = false;
  let running: Promise<unknown> = Promise.resolve();
  process.on("message", (on: number) => {
    isOn = on === 1;
    if (isOn) {
      let started = 0;
      running = Promise.all(
        all.map(async (lines, nth) => {
          for (let at = nth; isOn; at++) {
            lines.write(LINES[at % LINES.length] ?? "");
            await lines.next();
            if (++started === all.length) process.send?.(1);
          }
        }),
      );
    } else void running.then(() => process.send?.(0));
  });
  ready();
}
