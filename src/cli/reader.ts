import { EXIT } from "./exit.ts";

let isFollowing = false;

/** Marks a verb that follows: when its reader closes the pipe (`hivectl watch | head`), it has nothing more to do. */
export function endsWithReader(): void {
  isFollowing = true;
}

/**
 * A closed pipe is no failure. A verb that only prints ends with it; a verb that acts continues, and its exit code
 * reports the result. Any other write error is a failure.
 */
export function heedReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") process.exit(EXIT.refused);
      if (isFollowing) process.exit(EXIT.ok);
    });
}
