import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { cliInsideWith } from "../../../test/lib/cli-inside.ts";
import { StubHost } from "../../../test/lib/stub-host.ts";

let host: StubHost;
beforeAll(async () => {
  host = await new StubHost().start();
});
afterAll(() => host.dispose());
beforeEach(() => {
  host.answers = { secret_set: ({ name }) => ({ secret: { name, uses: [] } }) };
});
const set = (name: string) => cliInsideWith("a long enough value", "--socket", host.socket, "secret", "set", name);

test("a name that no agent's environment may have is kept for API doors, with a warning", async () => {
  expect(await set("PATH")).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /^PATH is kept\nno agent can have it in its environment: .* is set by the harness; keep it/,
    ) as string,
  });
  expect((await set("GIT_SSH_COMMAND")).out).toContain("no agent can have it");
  expect((await set("PYPI_TOKEN")).out).toBe("PYPI_TOKEN is kept\n");
});
