import { join } from "node:path";
import { rolldown } from "rolldown";

const made = new Map<string, Promise<string>>();

/** A program of `test/redteam/inside` for a cage, in one text. Types and the product's own code are not in it. */
export function programOf(file: string): Promise<string> {
  const program = made.get(file) ?? bundle(file);
  made.set(file, program);
  return program;
}

async function bundle(file: string): Promise<string> {
  const whole = await rolldown({
    input: join(process.cwd(), "test/redteam/inside", file),
    platform: "node",
    logLevel: "silent",
  });
  const { output } = await whole.generate({ format: "esm", codeSplitting: false, minify: true });
  await whole.close();
  return output[0].code;
}
