import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectLines } from "../rpc/client.ts";
import { readHarnessConfig, type HarnessConfig } from "./config.ts";
import { EXIT, serve } from "./serve.ts";

const HELP = `hive-ag3nt: the part of hyperhive that runs inside a cage

  hive-ag3nt serve                                run the agent (also as hive-m1nd, for the manager)
  hive-ag3nt wake --from <label> --body <text|->  put a message into this agent's own inbox; - reads stdin
  hive-ag3nt mcp                                  serve the hive's tools on stdio to another MCP client
  hive-ag3nt login                                run the log-in to the model, in a cage of its own
  hive-ag3nt online -- <program> [arguments]      run a program with the way to the hosts that the daemon lets it reach
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { from: { type: "string" }, body: { type: "string" }, help: { type: "boolean", short: "h", default: false } },
  });
  const [command] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(HELP);
    return values.help ? EXIT.ok : EXIT.usage;
  }
  const config = readHarnessConfig(process.env);
  if (command === "serve") return serve(config);
  if (command === "wake") return wake(config, values.from, values.body);
  if (command === "login") {
    const { runLogin } = await import("./login.ts");
    return runLogin(config, process.env);
  }
  if (command === "online") {
    const { runOnline } = await import("./online.ts");
    return runOnline(config, process.env, positionals.slice(1));
  }
  if (command === "mcp") {
    const { serveStdio } = await import("./mcp/stdio.ts");
    await serveStdio(socketOf(config), config);
    return EXIT.ok;
  }
  process.stderr.write(`unknown command "${command}"\n\n${HELP}`);
  return EXIT.usage;
}

async function wake(config: HarnessConfig, from: string | undefined, body: string | undefined): Promise<number> {
  if (from === undefined || body === undefined) {
    process.stderr.write("wake needs --from <label> and --body <text|->\n");
    return EXIT.usage;
  }
  const client = await connectLines(socketOf(config));
  const { message_id: id } = await client.call("wake", { from, body: body === "-" ? await stdin() : body });
  process.stdout.write(`message ${id}\n`);
  client.close();
  return EXIT.ok;
}

async function stdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function socketOf(config: HarnessConfig): string {
  return join(config.socketsDir, "mcp.sock");
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`hive-ag3nt: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(EXIT.crash);
  },
);
