import { connectLines } from "../../../src/rpc/client.ts";
import { operations } from "../../../src/wire/operations.ts";
import { LEAST_ROLE, includes, type OperatorOperation, type Role } from "../../../src/wire/roles.ts";
import { refusal } from "../outside/http.ts";
import { line } from "../outside/line.ts";
import { addPerson, cookieOf, tokenOf, type Person } from "../outside/people.ts";
import type { Place } from "../outside/place.ts";
import { allRefused } from "../outside/requests.ts";
import { outsideRow, type OutsideRow } from "../row.ts";

/** Operators who want more than their role, and one who was removed. */

const ROLE = "the role of an operator";
const TAKES = /takes the role/;

const onSocket = outsideRow<Place>("socket", "operators");
const onWeb = outsideRow<Place>("web", "operators");

/** The operations that a role may not call. */
const above = (role: Role): OperatorOperation[] =>
  (Object.keys(LEAST_ROLE) as OperatorOperation[]).filter((name) => !includes(role, LEAST_ROLE[name]));

/** A secret that the hive keeps, and operations without an input whose answers could have its value. */
const VALUE = "sec-4Hn8ZtRv2PwLx6KqDy3m";
const ASKED = ["secrets", "audit", "state", "list", "messages", "operators", "sessions", "tombstones", "budget", "check"];

const call = ({ socket }: Person, request: object): Promise<string> => line(socket, [`${JSON.stringify(request)}\n`]);

export const operatorRows: readonly OutsideRow<Place>[] = [
  onSocket("viewer-socket", "use every operation of operators and admins as a viewer", ROLE, TAKES, async (place) => {
    const viewer = await addPerson(place, "vera", "viewer");
    return allRefused(
      TAKES,
      above("viewer").map((cmd) => () => call(viewer, { cmd })),
    );
  }),
  onSocket("viewer-send", "send a message as a viewer", ROLE, TAKES, async (place) => {
    const viewer = await addPerson(place, "vicky", "viewer");
    return call(viewer, { cmd: "send", to: "ada", body: "of a viewer" });
  }),
  onWeb("viewer-web", "use every operation of operators and admins from a viewer's page", ROLE, TAKES, async (place) => {
    const cookie = await cookieOf(place, await addPerson(place, "walt", "viewer"));
    return allRefused(
      TAKES,
      above("viewer")
        .filter((name) => !("stream" in operations[name]))
        .map((name) => async () => refusal(await place.ask(`/api/${name}`, { cookie, body: {} }))),
    );
  }),
  onSocket("admin", "use every operation of admins as an operator", ROLE, TAKES, async (place) => {
    const operator = await addPerson(place, "olaf", "operator");
    return allRefused(
      TAKES,
      above("operator").map((cmd) => () => call(operator, { cmd })),
    );
  }),
  onSocket(
    "secrets",
    "read the value of a secret as a viewer, as an operator and as an admin",
    "no operation answers with a value",
    /no answer has the value/,
    async (place) => {
      await place.hive.call("secret_set", { name: "OF_THE_HIVE", value: VALUE });
      for (const role of ["viewer", "operator", "admin"] as const) {
        const { socket } = await addPerson(place, `sam-${role}`, role);
        const client = await connectLines(socket, { ordered: true });
        try {
          const { secrets } = await client.call("secrets", {});
          // A list without it would prove nothing.
          if (!secrets.some(({ name }) => name === "OF_THE_HIVE")) throw new Error("the secret is not listed");
          for (const name of ASKED) {
            const answer = JSON.stringify(await client.call(name as "secrets", {}));
            if (answer.includes(VALUE)) return `${name} answers a ${role} with the value`;
          }
        } finally {
          client.close();
        }
      }
      throw new Error("no answer has the value");
    },
  ),
  onSocket("secret-set", "replace and remove a secret as an operator", ROLE, TAKES, async (place) => {
    const operator = await addPerson(place, "selma", "operator");
    return allRefused(TAKES, [
      () => call(operator, { cmd: "secret_set", name: "OF_THE_HIVE", value: "another" }),
      () => call(operator, { cmd: "secret_remove", name: "OF_THE_HIVE", force: true }),
    ]);
  }),
  onSocket(
    "session",
    "end the session of another operator",
    "an operator ends its own sessions",
    /you end your own/,
    async (place) => {
      const viewer = await addPerson(place, "vito", "viewer");
      await place.logIn();
      const { sessions } = await place.hive.call("sessions", {});
      return call(viewer, { cmd: "session_revoke", id: sessions.at(-1)?.id });
    },
  ),
  onSocket(
    "lowered",
    "act over a connection that was opened with a higher role",
    "a lower role counts at once",
    /the connection to the daemon ended|takes the role/,
    async (place) => {
      const person = await addPerson(place, "lars", "operator");
      const client = await connectLines(person.socket, { ordered: true });
      try {
        await client.call("send", { to: "ada", body: "while an operator" });
        await place.hive.call("operator_set", { name: person.name, role: "viewer" });
        await client.call("send", { to: "ada", body: "as a viewer" });
        return "the message is in the hive";
      } finally {
        client.close();
      }
    },
  ),
  onWeb(
    "removed",
    "use what an operator held before it was removed: a session and a launch link",
    "a removal ends everything that an operator holds",
    /401/,
    async (place) => {
      const person = await addPerson(place, "rolf", "admin");
      const cookie = await cookieOf(place, person);
      const token = await tokenOf(person);
      await place.hive.call("operator_remove", { name: person.name });
      return allRefused(/401/, [
        async () => refusal(await place.ask("/api/state", { cookie })),
        async () => refusal(await place.ask("/api/login", { body: { token } })),
      ]);
    },
  ),
];
