import type { Input } from "../../src/wire/operations.ts";
import { API_HOST } from "./api.ts";
import { listedHosts } from "./web.ts";

/** What the operator has granted to the agents of the hive under attack, and what each may not have of the other. */

type Config = Input<"spawn">["config"];

/** The secrets of the hive. Only the world has their values: an attacker's program that had one would find itself. */
export const SECRETS = {
  /** Sent by the attacker's doors, and in no cage. */
  ITEMS_TOKEN: "itm-5J2qX8vN0sLk4TgB7wYcZ1dR",
  /** In the attacker's own environment. */
  OWN_TOKEN: "own-9Qm3VbXr6HfKz2TjPw8nLs4Y",
  /** In the victim's environment, and sent by its door. */
  VICTIM_TOKEN: "vic-7Rk1ZpWd5GcNy3MhTx0bQf6U",
};

/** The output tokens that the manager has in a day, and what one answer to it costs if it asks for that. */
export const SPENDING = { limit: 200_000, once: 300_000 };

/** The attacker's config. `port` is the one of the host's listener. */
export const ownConfig = (port: number): Config => ({
  egress: listedHosts(port),
  repos: [{ name: "web", project: true }, { name: "mirror" }],
  allowedRecipients: ["victim"],
  secrets: ["OWN_TOKEN"],
  apis: {
    items: {
      url: `https://${API_HOST}/v1`,
      secret: "ITEMS_TOKEN",
      header: "authorization: Bearer {}",
      allow: ["GET /items/*", "GET /echo/*", "GET /moved", "DELETE /own/*"],
    },
    notes: { url: `https://${API_HOST}/v1`, secret: "ITEMS_TOKEN", header: "x-key: {}", allow: ["GET /notes/*"] },
  },
});

export const victimConfig: Config = {
  repos: [{ name: "web" }, { name: "secret" }],
  secrets: ["VICTIM_TOKEN"],
  apis: {
    private: {
      url: `https://${API_HOST}/private`,
      secret: "VICTIM_TOKEN",
      header: "authorization: Bearer {}",
      allow: ["GET /**"],
    },
  },
};
