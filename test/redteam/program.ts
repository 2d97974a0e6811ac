import { join } from "node:path";
import { rolldown } from "rolldown";

/** A program of `test/redteam/inside` for a cage, in one text. Types and the product's own code are not in it. */
export async function programOf(file: string): Promise<string> {
  const bundle = await rolldown({
    input: join(process.cwd(), "test/redteam/inside", file),
    platform: "node",
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "esm", codeSplitting: false, minify: true });
  await bundle.close();
  return output[0].code;
}
