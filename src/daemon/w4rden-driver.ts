import { CageError, type Bind, type CageSpec, type Driver } from "../platforms/port.ts";
import type { Platform } from "../platforms/platform.ts";
import type { Held, W4rden } from "./w4rden.ts";

/** A driver whose cages get the mounts of their configs from root's helper. A cage keeps them when it has started. */
function throughW4rden(driver: Driver, w4rden: Pick<W4rden, "mount">): Driver {
  return {
    ...driver,
    async start(spec) {
      const held: Held[] = [];
      try {
        const extraBinds: Bind[] = [];
        for (const bind of spec.extraBinds) extraBinds.push(await bound(bind, spec, held));
        return await driver.start({ ...spec, extraBinds });
      } finally {
        for (const one of held) one.release();
      }
    },
  };

  async function bound(bind: Bind, { identity }: CageSpec, held: Held[]): Promise<Bind> {
    if (bind.isOutside !== true) return bind;
    const map = bind.owner && { owner: bind.owner, agent: identity.uid };
    try {
      const one = await w4rden.mount(bind.host, bind.mode, map);
      held.push(one);
      return { ...bind, boundAt: one.path };
    } catch (error) {
      throw new CageError(`${bind.cage}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

/** The drivers of a platform. Containers get the mounts of their configs from the helper themselves; other cages do here. */
export function driversOf(
  { driver, sideDriver }: Pick<Platform, "driver" | "sideDriver">,
  w4rden: Pick<W4rden, "mount"> | undefined,
): { driver: Driver; sideDriver: Driver } {
  const through = (one: Driver): Driver => (w4rden ? throughW4rden(one, w4rden) : one);
  if (sideDriver) return { driver, sideDriver: through(sideDriver) };
  const both = through(driver);
  return { driver: both, sideDriver: both };
}
