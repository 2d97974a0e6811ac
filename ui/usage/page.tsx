import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useState, type ReactNode } from "react";
import { costWords, dollars } from "../../src/wire/cost.ts";
import { DEFAULT_CREDENTIAL } from "../../src/wire/default-credential.ts";
import { Bars } from "../kit/bars.tsx";
import { Action } from "../kit/button.tsx";
import { KeyHelp } from "../kit/key-help.tsx";
import { OpenDrawer } from "../kit/open-drawer.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { Banners, TopBar } from "../kit/top-bar.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useKeys, type Key } from "../lib/keys.ts";
import { useHive } from "../lib/store.ts";
import { count, visible } from "../lib/text.ts";
import { everyDay, tokensOf } from "./days.ts";
import { ChangeSums } from "./change-sums.tsx";
import { saveCsv } from "./save-csv.ts";
import { Sums } from "./sums.tsx";

/** The periods by their names in the address, in days. */
const RANGES = { "7d": 7, "30d": 30, "90d": 90, "366d": 366 } as const;
type Range = keyof typeof RANGES;
const USUAL: Range = "30d";
const isRange = (text: string | undefined): text is Range => text !== undefined && Object.hasOwn(RANGES, text);

const sums = (days: number, by: "day" | "agent" | "model" | "credential") => call("usage_sums", { days, by: [by] });
async function all(days: number) {
  const [day, agent, model, credential, change] = await Promise.all([
    sums(days, "day"),
    sums(days, "agent"),
    sums(days, "model"),
    sums(days, "credential"),
    call("change_usage", { days }),
  ]);
  return { day, agent, model, credential, change };
}

/** Where the money goes: cost and tokens of a period per day, agent, model and credential. */
export function UsagePage(): ReactNode {
  const { view } = useSearch({ from: "/usage" });
  const navigate = useNavigate();
  const [isHelp, setHelp] = useState(false);
  const range = isRange(view) ? view : USUAL;
  const days = RANGES[range];
  // Fetch again when the displayed figure changes, not with each answer of the model.
  const today = useHive(({ hive }) => count(hive.tokens_today));
  const { value, error } = useFetched(
    useCallback(() => all(days), [days]),
    today,
  );
  const choose = (next: Range): void =>
    void navigate({
      to: "/usage",
      search: (search) => ({ ...search, view: next === USUAL ? undefined : next }),
      replace: true,
    });
  const keys: Key[] = [
    { key: "u", words: "back to the dashboard", run: () => void navigate({ to: "/" }) },
    { key: "?", words: "this list", run: () => setHelp(true) },
  ];
  useKeys(keys);
  useEffect(() => {
    document.title = "usage · hyperhive";
  }, []);
  return (
    <>
      <TopBar onHelp={() => setHelp(true)} />
      <Banners />
      <main className="usage-page">
        <Panel
          leet="M0NEY"
          label="where the money goes"
          note={value ? `${value.day.since} to ${value.day.until}` : ""}
          actions={
            <>
              <OpenLink open="limits" className="ghost">
                limits
              </OpenLink>
              <Action kind="ghost" run={() => saveCsv(days)}>
                CSV
              </Action>
            </>
          }
        >
          <div className="inner">
            <div className="ranges" role="group" aria-label="range">
              {(Object.keys(RANGES) as Range[]).map((one) => (
                <button key={one} type="button" className="ghost" aria-pressed={one === range} onClick={() => choose(one)}>
                  {one}
                </button>
              ))}
            </div>
            {error !== undefined && <p className="red small">{error}</p>}
            {!value && error === undefined && <Empty>loading…</Empty>}
            {value && <Chart sums={value.day} range={range} />}
            <p className="dim small">
              {value && `Days are those of ${visible(value.day.time_zone)}. `}“unpriced” means that the model has no price; no sum
              of costs includes it. <OpenLink open="cost">Every day by agent and model</OpenLink>
            </p>
          </div>
        </Panel>
        {value && (
          <>
            <Sums by="agent" leet="BY AG3NT" {...value.agent} />
            <Sums by="model" leet="BY M0DEL" {...value.model} />
            {value.credential.rows.some((row) => row.credential !== DEFAULT_CREDENTIAL) && (
              <Sums by="credential" leet="BY CR3D" {...value.credential} />
            )}
            {value.change.rows.length > 0 && <ChangeSums {...value.change} />}
            <Sums by="day" leet="BY D4Y" {...value.day} />
          </>
        )}
      </main>
      <KeyHelp keys={keys} isOpen={isHelp} onClose={() => setHelp(false)} />
      <OpenDrawer />
    </>
  );
}

function Chart({
  sums: { since, until, rows, total },
  range,
}: {
  sums: Awaited<ReturnType<typeof sums>>;
  range: Range;
}): ReactNode {
  const days = everyDay(since, until, rows);
  const charts = [
    {
      name: "cost",
      total: costWords(total.cost_usd, total.unpriced),
      value: (day: (typeof days)[number]) => day.cost_usd,
      show: dollars,
    },
    { name: "tokens", total: count(tokensOf(total)), value: tokensOf, show: count },
  ];
  return (
    <div className="charts">
      {charts.map((chart) => (
        <Bars key={chart.name} chart={chart} buckets={days} range={range} when={({ day }) => day} />
      ))}
    </div>
  );
}
