import { z } from "zod";

/** The parts of a schema's definition that this module reads. Zod keeps it under `def`. */
interface Definition {
  type: string;
  shape: Record<string, z.ZodType>;
  element: z.ZodType;
  valueType: z.ZodType;
  innerType: z.ZodType;
  defaultValue: unknown;
}

const definitionOf = (schema: z.ZodType): Definition => schema.def as unknown as Definition;

/**
 * The same types without the rules on values: drops lengths, patterns, ranges, counts and refinements. Keys and types
 * stay required, and an unknown key stays an error. Throws for an unknown kind of schema, so that no rule is kept or
 * dropped by accident.
 */
export function loosen(schema: z.ZodType): z.ZodType {
  const def = definitionOf(schema);
  switch (def.type) {
    case "string":
      return z.string();
    case "number":
      return z.number();
    case "boolean":
    case "enum":
    case "literal":
      return schema;
    case "array":
      return z.array(loosen(def.element));
    case "record":
      return z.record(z.string(), loosen(def.valueType));
    case "object":
      return z.strictObject(Object.fromEntries(Object.entries(def.shape).map(([key, value]) => [key, loosen(value)])));
    case "optional":
      return loosen(def.innerType).optional();
    case "default":
      return loosen(def.innerType).default(def.defaultValue as never);
    default:
      throw new Error(`loosen does not know schemas of the kind ${def.type}`);
  }
}

/** The paths of all keys of a schema: `limits.pids`, `mounts[].host`, `extraMcpServers.*.args`. */
export function keysOf(schema: z.ZodType, path = ""): string[] {
  const def = definitionOf(schema);
  switch (def.type) {
    case "object":
      return Object.entries(def.shape).flatMap(([key, value]) => {
        const own = path === "" ? key : `${path}.${key}`;
        const below = keysOf(value, own);
        return below.length > 0 ? below : [own];
      });
    case "array":
      return keysOf(def.element, `${path}[]`);
    case "record":
      return keysOf(def.valueType, `${path}.*`);
    case "optional":
    case "default":
      return keysOf(def.innerType, path);
    default:
      return [];
  }
}
