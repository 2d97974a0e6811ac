/** Runs git for a client, behind everything else on this host: a pack may keep it busy for minutes. */
export const GIT_SCRIPT = 'exec nice -n 10 git "$@"';
