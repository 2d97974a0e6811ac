import { heedReader } from "./reader.ts";
import { run } from "./run.ts";

heedReader();
// No `await` here: the program is built as a script (docs/adr/0069).
void run(process.argv.slice(2));
