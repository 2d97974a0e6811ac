import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { edited, type Edit } from "./barrier.ts";

/** What the suite and the programs need of a checkout. */
const COPIED = ["src", "test", "ui", "dev", "scripts", "dist", "package.json", "package-lock.json"];
const SSHD = ".cache/sshd";
/** Longest run of the suite on a few rows. A hive without a barrier may hang. Milliseconds. */
const RUN_MS = 240_000;
/** Bytes of a run's complaints that are kept. */
const MAX_COMPLAINT_CHARS = 2_000;

const Rows = z.array(z.object({ id: z.string(), outcome: z.enum(["blocked", "contained", "open"]), evidence: z.string() }));
export type SeenRow = z.infer<typeof Rows>[number];

/** A copy of the checkout, whose source may lack a barrier. */
export class Copy {
  readonly #folder: string;
  /** Edited files, with their original text. */
  readonly #originals = new Map<string, string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(root: string): Promise<Copy> {
    const cache = join(root, ".cache");
    await mkdir(cache, { recursive: true });
    const folder = await mkdtemp(join(cache, "barriers-"));
    // A daemon of another user runs from here.
    await chmod(folder, 0o755);
    for (const name of COPIED) await cp(join(root, name), join(folder, name), { recursive: true, preserveTimestamps: true });
    // Linked: nothing writes into the packages. A symbolic link would lead out of what a daemon of another user sees.
    const link = (name: string) => promisify(execFile)("cp", ["-al", "--parents", name, folder], { cwd: root });
    await link("node_modules");
    // The ssh server of the tests, where set-up has brought it.
    if (existsSync(join(root, SSHD))) await link(SSHD);
    return new Copy(folder);
  }

  /** Makes the source the original one with these edits, and builds the programs and the suite. */
  async build(name: string, edits: readonly Edit[]): Promise<void> {
    for (const [file, text] of this.#originals) await writeFile(join(this.#folder, file), text);
    this.#originals.clear();
    for (const edit of edits) {
      const path = join(this.#folder, edit.file);
      const text = await readFile(path, "utf8");
      if (!this.#originals.has(edit.file)) this.#originals.set(edit.file, text);
      await writeFile(path, edited(text, name, edit));
    }
    const { buildPrograms } = (await import(join(this.#folder, "scripts/build.mjs"))) as { buildPrograms(): Promise<unknown> };
    const { buildTool } = (await import(join(this.#folder, "scripts/tool.mjs"))) as { buildTool(tool: string): Promise<string> };
    await Promise.all([buildPrograms(), buildTool("redteam")]);
  }

  /** Carries out these rows. A row that this host cannot carry out is missing. Throws if the suite does not end. */
  async run(rows: readonly string[]): Promise<SeenRow[]> {
    const tool = join(this.#folder, "dist/tools/redteam.js");
    const argv = ["--enable-source-maps", tool, "--json", "--only", `^(?:${rows.join("|")})$`];
    const child = spawn(process.execPath, argv, { cwd: this.#folder, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let complaint = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-MAX_COMPLAINT_CHARS)));
    const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), RUN_MS);
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(timer);
    if (code !== 0 && code !== 1)
      throw new Error(`the suite ended with ${code ?? `a kill after ${RUN_MS / 1000} s`}: ${complaint.trim()}`);
    try {
      return Rows.parse(JSON.parse(output));
    } catch {
      throw new Error(`the suite printed no rows: ${complaint.trim()}`);
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
