import { useState, type ReactNode } from "react";
import type { ApprovalView, RiskMark } from "../../src/wire/approval.ts";
import { RISK_COLOURS } from "../lib/approvals.ts";
import { visible } from "../lib/text.ts";
import { Words } from "./text.tsx";

/** Marks that are drawn at first. A change of many files may have hundreds. */
const AT_ONCE = 60;

const sign = (n: number, char: string): string => (n > 0 ? ` ${char}${n}` : "");

/** What the operator should not miss, and the size of the diff, as chips. */
export function Marks({ marks, stat }: { marks: readonly RiskMark[]; stat: ApprovalView["stat"] }): ReactNode {
  const [isAll, setAll] = useState(false);
  const shown = isAll ? marks : marks.slice(0, AT_ONCE);
  return (
    <div className="marks">
      {shown.map((mark) => (
        <span key={`${mark.kind}${mark.text}${mark.path ?? ""}`} className={`chip risk ${RISK_COLOURS[mark.level]}`}>
          {mark.level === "danger" && <span className="sr">dangerous: </span>}
          <span>
            {namesPath(mark) && <b>{visible(mark.path ?? "")} </b>}
            <Words text={mark.text} />
          </span>
        </span>
      ))}
      {shown.length < marks.length && (
        <button type="button" className="ghost" onClick={() => setAll(true)}>
          {marks.length - shown.length} more marks
        </button>
      )}
      {stat.files > 0 && (
        <span className="chip">
          {stat.files === 1 ? "1 file" : `${stat.files} files`}
          {sign(stat.added, "+")}
          {sign(stat.removed, "−")}
        </span>
      )}
    </div>
  );
}

/** Marks in agent.json name the setting; others need the path, unless their text has it. */
const namesPath = ({ path, text }: RiskMark): boolean => path !== undefined && path !== "agent.json" && !text.includes(path);
