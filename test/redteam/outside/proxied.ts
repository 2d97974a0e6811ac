import { userInfo } from "node:os";
import { join } from "node:path";
import { IDLE_CLI, TestHive } from "../../lib/hive.ts";
import { freeBase } from "../../lib/ports.ts";
import { parseAnswer, refusal, sendBytes, type Answer } from "./http.ts";
import type { Place } from "./place.ts";

/** The header in which this hive's proxy names its users. */
export const USER_HEADER = "X-Remote-User";
const HOST = "hive.example";
/** What a page at the public address sends with an act. */
export const FROM_PAGE = [`Origin: https://${HOST}`, "Sec-Fetch-Site: same-origin"];

/** A hive behind a proxy that names its users in a header. It has the operators `alice`, an admin, and `vera`, a viewer. */
export class Proxied {
  readonly hive: TestHive;
  /** The dashboard's port, which every user of this machine reaches. */
  readonly port: number;

  private constructor(hive: TestHive, port: number) {
    this.hive = hive;
    this.port = port;
  }

  static async start(place: Pick<Place, "atEnd">): Promise<Proxied> {
    const port = await freeBase([]);
    const hive = new TestHive({
      ...IDLE_CLI,
      HIVE_PORT: String(port),
      HIVE_PUBLIC_URL: `https://${HOST}`,
      HIVE_TRUSTED_HEADER: USER_HEADER,
      HIVE_TRUSTED_PROXY: `unix:${userInfo().username}`,
    });
    const proxied = new Proxied(hive, port);
    place.atEnd(() => hive.dispose());
    await hive.start();
    const user = userInfo().username;
    await hive.call("operator_add", { name: "alice", role: "admin", user });
    await hive.call("operator_add", { name: "vera", role: "viewer", user });
    return proxied;
  }

  /** The proxy's socket. */
  get socket(): string {
    return join(this.hive.stateDir, "run", "proxy.sock");
  }

  operatorSocket(name: string): string {
    return join(this.hive.stateDir, "run", "operators", `${name}.sock`);
  }

  /** A request of these lines to the proxy's socket, or to the dashboard's port. */
  async ask(by: "proxy" | "port", first: string, headers: readonly string[], body?: string): Promise<Answer> {
    const length = body === undefined ? [] : ["Content-Type: application/json", `Content-Length: ${body.length}`];
    const host = headers.some((one) => /^host:/i.test(one)) ? [] : [`Host: ${HOST}`];
    const lines = [`${first} HTTP/1.1`, ...host, "Connection: close", ...headers, ...length, "", body ?? ""];
    return parseAnswer(await sendBytes(by === "proxy" ? this.socket : this.port, lines.join("\r\n")));
  }

  /** The same. Throws the refusal. */
  async asked(...request: Parameters<Proxied["ask"]>): Promise<string> {
    return refusal(await this.ask(...request));
  }
}
