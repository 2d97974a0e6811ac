import type { Command } from "commander";
import { resolve } from "node:path";
import { timeoutSeconds } from "../arguments.ts";
import { hivectl } from "../../lib/hivectl.ts";
import { asksFirst, confirm } from "../deciding.ts";
import { clean, plural } from "../print.ts";
import { Progress } from "../progress.ts";
import { act, alone, environment } from "../shell.ts";
import { startCommand, stateFolder } from "../socket.ts";
import { sizeText } from "../../wire/size-text.ts";

/** Verbs that back up and restore a hive's state. */
export function backupCommands(program: Command): void {
  act(
    program
      .command("backup")
      .argument("<folder>", "where to; it must not exist yet, or be empty")
      .description("copy the whole hive into a folder while it runs")
      .option("--timeout <time>", "give up after this time (90s, 5m, 1h)", timeoutSeconds),
    async (shell, [folder]: [string]) => {
      shell.waitsFor("the backup is given up; what it has written is removed");
      const progress = new Progress(shell.isJson);
      try {
        for await (const { progress: far, backup } of shell.client.stream("backup", { to: resolve(folder) })) {
          if (far)
            progress.tell(
              far.part,
              far.all === undefined ? sizeText(far.bytes) : `${sizeText(far.bytes)} of ${sizeText(far.all)}`,
            );
          if (!backup) continue;
          progress.end();
          shell.show({ backup }, () =>
            [
              ...backup.complaints.map((words) => shell.paint("amber", `could not be read: ${clean(words)}`)),
              `${clean(backup.folder)}: ${sizeText(backup.bytes)}, ${plural(backup.agents, "agent")}, up to ${backup.seq}`,
            ].join("\n"),
          );
          return;
        }
      } finally {
        progress.end();
      }
    },
  );

  asksFirst(
    program
      .command("restore")
      .argument("<folder>", "a backup")
      .description("restore a backup into a stopped hive's state folder; its earlier content is moved aside")
      .option("--state <folder>", "the state folder; by default that of HIVE_STATE_DIR, or your own"),
  ).action((folder: string, _own: unknown, self: Command) => {
    const options = self.optsWithGlobals<{ state?: string; yes?: boolean; json?: boolean }>();
    return alone(options, async (printer) => {
      const { restore } = await import("../../backup/restore.ts");
      const place = resolve(options.state ?? stateFolder(environment));
      const progress = new Progress(printer.isJson);
      try {
        const { state, manifest, secrets, aside } = await restore({
          backup: resolve(folder),
          state: place,
          mayPutAside: () => {
            progress.end();
            return confirm(printer, options, `${place} is not empty; move its content aside`);
          },
          tell: (step) => progress.tell(step),
        });
        progress.end();
        const restored = { state, created_at: manifest.created_at, seq: manifest.seq, agents: manifest.agents.length };
        const named = { ...restored, ...(aside === undefined ? {} : { aside }), ...(secrets.length === 0 ? {} : { secrets }) };
        printer.show({ restored: named }, () =>
          [
            `${clean(state)} is the hive of ${manifest.created_at}: ${plural(restored.agents, "agent")}, up to ${manifest.seq}`,
            ...(aside === undefined ? [] : [`its earlier content is in ${clean(aside)}; remove it when you no longer need it`]),
            ...missingWords(secrets),
            `start it with \`${clean(startCommand(state, environment))}\``,
          ].join("\n"),
        );
      } finally {
        progress.end();
      }
    });
  });
}

/** Secrets that a restored hive has the names of. The rest is in `secret list`. */
const MAX_NAMED = 20;

function missingWords(secrets: readonly string[]): string[] {
  if (secrets.length === 0) return [];
  const more = secrets.length > MAX_NAMED ? `, and ${secrets.length - MAX_NAMED} more` : "";
  const names = `${secrets.slice(0, MAX_NAMED).map(clean).join(", ")}${more}`;
  return [`no backup has the values of its secrets: set them once it runs, with \`${hivectl("secret set <name>")}\`: ${names}`];
}
