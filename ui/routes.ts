/** Every page of the interface, by its path. The router is made of these; the tests of the layout go over all of them. */
export const ROUTES = ["/", "/agent/$name", "/approval/$id", "/history", "/swarm"] as const;
export type Route = (typeof ROUTES)[number];

/** Panels about one agent that open over a page: `?open=logs:scout`. */
export const AGENT_DRAWERS = ["logs", "config", "deploys", "cost", "turns"] as const;
export type AgentDrawer = (typeof AGENT_DRAWERS)[number];
/** Everything that `?open=` can name. */
export const DRAWERS = [...AGENT_DRAWERS, "thread", "spawn"] as const;
export type DrawerName = (typeof DRAWERS)[number];
