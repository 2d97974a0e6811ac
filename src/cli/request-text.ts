import { shortSha } from "../wire/sha.ts";
import type { ApprovalView, RequestState } from "../wire/approval.ts";
import type { Output } from "../wire/operations.ts";
import { KIND_WORDS } from "../wire/words.ts";
import { diffText, riskText, shown } from "./diff-text.ts";
import { age, clean, indented, plural, type Colour, type View } from "./print.ts";
import { table } from "./table.ts";
import { reflow } from "./wrap.ts";

const STATE_COLOURS: Record<RequestState, Colour> = {
  pending: "amber",
  approved: "mauve",
  building: "mauve",
  waiting: "mauve",
  activating: "mauve",
  deployed: "green",
  failed: "red",
  denied: "dim",
  cancelled: "dim",
};
export const stateColour = (state: RequestState): Colour => STATE_COLOURS[state];

/** The requests as table rows: those that wait, or how they ended. */
export function requestTable(requests: readonly ApprovalView[], { paint, width: room, now }: View): string {
  const risks = (request: ApprovalView): string => {
    const serious = request.risks.filter((risk) => risk.level !== "info");
    // Every list says if something is not shown, because it has to be approved by name.
    const isWhole = !serious.some((risk) => risk.kind === "cut" || risk.kind === "binary");
    return serious.length === 0 ? "" : `${plural(serious.length, "risk")}${isWhole ? "" : ", not all shown"}`;
  };
  return table(
    requests,
    [
      { title: "ID", value: (one) => String(one.id), colour: () => "bold" },
      { title: "AGENT", value: (one) => one.agent },
      { title: "KIND", value: (one) => KIND_WORDS[one.kind], spare: 2 },
      { title: "STATE", value: (one) => one.state, colour: (one) => STATE_COLOURS[one.state] },
      { title: "AGE", value: (one) => age(one.requested_at, now) },
      { title: "BY", value: (one) => one.requested_by, spare: 4 },
      { title: "COMMIT", value: (one) => shortSha(one.sha ?? ""), spare: 5 },
      { title: "CHANGE", value: (one) => (one.stat.files > 0 ? `+${one.stat.added} -${one.stat.removed}` : ""), spare: 3 },
      { title: "RISKS", value: risks, colour: (one) => (one.risks.some((risk) => risk.level === "danger") ? "red" : "amber") },
      { title: "WHAT", value: (one) => one.error ?? one.note ?? one.description ?? "", isWide: true },
    ],
    room,
    paint,
  );
}

/** The agent, the change, and the risks. */
export function requestSummary(request: ApprovalView, baseSha: string | undefined, { paint, now, width: room }: View): string {
  const title = request.kind === "spawn" ? `spawn ${request.agent}` : `config change of ${request.agent}`;
  const settled = request.resolved_at === undefined ? "" : `${request.state} ${age(request.resolved_at, now)} ago`;
  const by = request.resolved_by === undefined ? "" : ` by ${clean(request.resolved_by)}`;
  const prose = (text: string): string => indented(reflow(shown(text, paint), room - 2));
  const lines = [
    `${paint("bold", `#${request.id} ${title}`)}  ${paint(STATE_COLOURS[request.state], request.state)}`,
    paint(
      "dim",
      `${request.origin} of ${clean(request.requested_by)}, ${age(request.requested_at, now)} ago${settled && `; ${settled}${by}`}`,
    ),
  ];
  if (request.sha !== undefined)
    lines.push(
      reflow(
        `commit  ${request.sha}  ${baseSha === undefined ? paint("dim", "all of it is new") : `against ${shortSha(baseSha)}`}`,
        room,
        8,
      ),
    );
  if (request.tag !== undefined) lines.push(`tag     ${shown(request.tag, paint)}`);
  if (request.description !== undefined) lines.push("", prose(request.description));
  if (request.note !== undefined) lines.push("", paint("dim", "note:"), prose(request.note));
  if (request.error !== undefined) lines.push("", paint("red", "it failed:"), prose(request.error));
  if (request.risks.length > 0) lines.push("", riskText(request.risks, { paint, width: room }));
  return lines.join("\n");
}

/** The request with its whole diff. */
export function requestText({ approval, base_sha, files }: Output<"show">, view: View): string {
  return `${requestSummary(approval, base_sha, view)}\n\n${diffText(files, view, { showFile: `show ${approval.id} --file <path>` })}`;
}
