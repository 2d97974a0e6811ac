import { answerAsGithub, showAsGithub } from "../../src/work/rehearsed/github.ts";
import { ForgeStandIn, factsOf, type StandInAnswer, type StandInCall, type StandInPull } from "./forge-pulls.ts";

/**
 * GitHub's pull requests, as GitHub Enterprise serves them below `/api/v3`. A token comes as `Bearer`. The rest of the
 * contract is that of the rehearsed host, here checked against the published description.
 */
export class GithubStandIn extends ForgeStandIn {
  protected readonly prefix = "/api/v3/repos/team/web";
  protected readonly api = factsOf("github");

  protected authorization = (token: string): string => `Bearer ${token}`;

  protected show(pull: StandInPull, isListed: boolean): object {
    const { address, fullName } = this;
    return showAsGithub(pull, { address, fullName, tip: (branch) => this.tip(branch), isListed });
  }

  protected handle(call: StandInCall): StandInAnswer {
    const tip = (branch: string): string | undefined => this.tip(branch);
    const [show, add] = [this.shown.bind(this), this.add.bind(this)];
    return answerAsGithub({ owner: "team", pulls: this.pulls, tip, show, add, etag: this.etag }, call);
  }
}
