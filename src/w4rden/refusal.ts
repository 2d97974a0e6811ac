/** A request that is refused. Its words are for the operator; any other error is a defect and gets no words. */
export class Refusal extends Error {}
