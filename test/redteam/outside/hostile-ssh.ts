import ssh2 from "ssh2";
import { connectLines } from "../../../src/rpc/client.ts";
import { SshServer } from "../../lib/ssh-server.ts";
import type { Place } from "./place.ts";

/** The name of the repository that follows it. */
const REPO = "up-ssh";

/** A host behind ssh that the operator's repository follows, and that has been taken over. */
export class HostileSsh {
  readonly server: SshServer;
  readonly #place: Place;

  private constructor(place: Place, server: SshServer) {
    this.#place = place;
    this.server = server;
  }

  /** Starts it as the host that the operator has confirmed. */
  static async start(place: Place): Promise<HostileSsh> {
    const server = await new SshServer().start();
    place.atEnd(() => server.stop());
    server.commit("README.md", "# web\n");
    const { address, key, hostKey } = server;
    const client = await connectLines(place.hive.socket, { ordered: true });
    try {
      const input = { name: REPO, address, private: true, key: key.private, host_key: hostKey };
      for await (const { repo } of client.stream("repo_add_remote", input)) if (repo) return new HostileSsh(place, server);
    } finally {
      client.close();
    }
    throw new Error("the repository was not added");
  }

  /** Lets the hive fetch. Resolves with what has moved, and rejects with the refusal. */
  async fetch(): Promise<string> {
    const { moved } = await this.#place.hive.call("repo_fetch", { name: REPO });
    return `fetched ${JSON.stringify(moved)}`;
  }

  /** Runs a script of the shell in the place of git, while the hive fetches. */
  async answering(script: string): Promise<string> {
    const { server } = this;
    server.answerWith(script);
    try {
      return await this.fetch();
    } finally {
      server.authorize(server.key.public);
    }
  }

  /** Takes the place of the host with a key of its own, and lets in whoever comes. Resolves with what came. */
  async inPlaceOfHost(): Promise<string> {
    const { server } = this;
    const forged = ssh2.utils.generateKeyPairSync("ed25519");
    let user = "";
    server.insteadOfSsh = (socket) => {
      const host = new ssh2.Server({ hostKeys: [forged.private] }, (client) => {
        client.on("error", () => {}); // The hive ends the connection.
        client.on("authentication", (context) => {
          user = `${context.username} by ${context.method}`;
          context.accept();
        });
        client.on("ready", () => client.on("session", (_accept, reject) => reject()));
      });
      host.injectSocket(socket.resume());
      return true;
    };
    try {
      const end = await this.fetch().catch((error: unknown) => error as Error);
      if (user !== "") return `a log-in of ${user}`;
      if (typeof end === "string") return end;
      throw end;
    } finally {
      server.insteadOfSsh = () => false;
    }
  }
}
