/** Every page of the interface, by its path. The router is built from these, and the layout tests visit all of them. */
export const ROUTES = [
  "/",
  "/agent/$name",
  "/approval/$id",
  "/history",
  "/swarm",
  "/work",
  "/work/$repo",
  "/change/$id",
  "/usage",
] as const;
export type Route = (typeof ROUTES)[number];

/** Drawers for one agent: `?open=logs:scout`. */
export const AGENT_DRAWERS = ["logs", "config", "deploys", "cost", "turns"] as const;
export type AgentDrawer = (typeof AGENT_DRAWERS)[number];
/** Every drawer that `?open=` can name. */
export const DRAWERS = [
  ...AGENT_DRAWERS,
  "thread",
  "spawn",
  "check",
  "repo",
  "login",
  "you",
  "secrets",
  "credentials",
  "limits",
] as const;
export type DrawerName = (typeof DRAWERS)[number];
