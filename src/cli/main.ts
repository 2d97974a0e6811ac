import { heedReader } from "./reader.ts";
import { run } from "./run.ts";

heedReader();
await run(process.argv.slice(2));
