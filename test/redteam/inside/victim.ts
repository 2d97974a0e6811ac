import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { VICTIM } from "../row.ts";
import { python } from "./run.ts";

/** What another agent has in its cage: listeners on its loopback, an abstract socket, shared memory. */

const listen = (at: { port: number; host: string } | { path: string }): Promise<void> =>
  new Promise((resolve, reject) => {
    createServer((socket) => socket.resume().end("the victim"))
      .once("error", reject)
      .listen(at, resolve);
  });
await listen({ port: VICTIM.port, host: "127.0.0.1" });
await listen({ port: VICTIM.port, host: "::1" });
await listen({ path: `\0${VICTIM.abstractName}` });
writeFileSync("/dev/shm/victim", "a file of the victim");
await python(`call(29, 194, ${VICTIM.key}, 64, 0o1666)\ncall(68, 186, ${VICTIM.key}, 0o1666)`);
writeFileSync("/state/secret.txt", "a file of the victim");
