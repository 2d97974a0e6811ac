import { loadProgram } from "./load.ts";

/** The file that Node starts, as every program's: it loads the script of the same name. */
loadProgram(import.meta.filename.replace(/\.js$/, ".cjs"));
