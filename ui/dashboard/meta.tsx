import { useState, type ReactNode } from "react";
import type { MetaInput } from "../../src/wire/approval.ts";
import { Allowed, useMay } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { Age } from "../kit/time.tsx";
import { ApiError, call } from "../lib/api.ts";
import { short } from "../lib/approvals.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

const read = () => call("meta", {});

/** The locked inputs of the deploy ledger. Each can be updated. */
export function MetaInputs(): ReactNode {
  const agents = useHive((state) => state.agents);
  // Fetch again when another commit runs: each deploy writes the ledger.
  const { value, error, again } = useFetched(read, [...agents.values()].map((agent) => agent.deployed_sha).join());
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const inputs = value?.inputs ?? [];
  const rebuilt = [...new Set(inputs.filter((input) => chosen.has(input.name)).flatMap((input) => input.rebuilds))];
  const update = async (): Promise<string> => {
    const { results } = await call("meta_update", { inputs: [...chosen] });
    const failed = results.filter((result) => !result.ok);
    if (failed.length > 0)
      throw new ApiError("conflict", failed.map((one) => `${one.name}: ${one.error ?? "failed"}`).join("; "));
    setChosen(new Set());
    await again();
    return `updated; rebuilding ${results.map((one) => one.name).join(", ") || "no agent"}`;
  };
  return (
    <Panel
      leet="M3TA 1NPUTS"
      label="meta inputs"
      note={value?.head ? short(value.head) : ""}
      className="meta"
      actions={
        chosen.size > 0 && (
          <Allowed to="meta_update">
            <Action kind="ghost" run={update} title={visible(`rebuilds ${rebuilt.join(", ") || "no agent"}`)}>
              update {chosen.size} (rebuilds {rebuilt.length})
            </Action>
          </Allowed>
        )
      }
    >
      <div className="scroll inputs">
        {error !== undefined && <Empty>{error}</Empty>}
        {value && inputs.length === 0 && <Empty>Nothing is locked yet: the first deploy writes the ledger.</Empty>}
        {inputs.map((input) => (
          <Input
            key={input.name}
            input={input}
            isChosen={chosen.has(input.name)}
            onChoose={(isOn) => {
              const next = new Set(chosen);
              if (isOn) next.add(input.name);
              else next.delete(input.name);
              setChosen(next);
            }}
          />
        ))}
      </div>
    </Panel>
  );
}

function Input({
  input,
  isChosen,
  onChoose,
}: {
  input: MetaInput;
  isChosen: boolean;
  onChoose: (isOn: boolean) => void;
}): ReactNode {
  const mayUpdate = useMay("meta_update");
  return (
    <label
      className="o"
      title={input.rebuilds.length > 0 ? visible(`updating rebuilds ${input.rebuilds.join(", ")}`) : undefined}
    >
      <input type="checkbox" checked={isChosen} disabled={!mayUpdate} onChange={(event) => onChoose(event.target.checked)} />
      <span>
        {visible(input.name)}{" "}
        <span className="faint">
          {short(input.rev)}
          {input.modified_at && (
            <>
              {input.rev ? " · " : ""}
              <Age since={input.modified_at} />
            </>
          )}
          {isChosen && input.rebuilds.length > 0 && ` · an update rebuilds ${visible(input.rebuilds.join(", "))}`}
        </span>
      </span>
    </label>
  );
}
