import { readFileSync } from "node:fs";
import { z } from "zod";
import { schemaComplaint } from "../wire/error.ts";
import { DeclaredRepos } from "../wire/work.ts";
import { Declared } from "../work/declared.ts";

/** Reads the repositories that the host declares. Throws an error that names the file. */
export function readDeclared(file: string | undefined): Declared {
  if (file === undefined) return new Declared(undefined);
  try {
    return new Declared(DeclaredRepos.parse(JSON.parse(readFileSync(file, "utf8"))));
  } catch (error) {
    const words = error instanceof z.ZodError ? schemaComplaint(error) : error instanceof Error ? error.message : String(error);
    throw new Error(`HIVE_REPOSITORIES ${file}: ${words}`, { cause: error });
  }
}
