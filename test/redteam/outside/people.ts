import { userInfo } from "node:os";
import { connectLines } from "../../../src/rpc/client.ts";
import type { Role } from "../../../src/wire/roles.ts";
import type { Place } from "./place.ts";

/** Operators besides the one of host.sock. All have this program's user, so that it may open their sockets. */

export interface Person {
  name: string;
  socket: string;
}

/** Adds an operator. */
export async function addPerson(place: Place, name: string, role: Role): Promise<Person> {
  const { operator } = await place.hive.call("operator_add", { name, role, user: userInfo().username });
  return { name, socket: operator.socket };
}

/** A launch token that an operator's own socket gave out. */
export async function tokenOf({ socket }: Person): Promise<string> {
  const client = await connectLines(socket, { ordered: true });
  try {
    return (await client.call("login", {})).url.split("#token=")[1] ?? "";
  } finally {
    client.close();
  }
}

/** The cookie of a browser that is logged in as an operator. */
export async function cookieOf(place: Place, person: Person): Promise<string> {
  const answer = await place.ask("/api/login", { body: { token: await tokenOf(person) } });
  return answer.headers["set-cookie"]?.split(";")[0] ?? "";
}
