import { EXIT } from "./exit.ts";

let isFollowing = false;

/** A verb that follows until the reader goes away (`hivectl watch | head`) has nothing more to do then. */
export function endsWithReader(): void {
  isFollowing = true;
}

/**
 * A reader that goes away is no failure. What only prints ends with it; a verb that acts goes on, and its exit code says
 * how it ended. Output that cannot be written for another reason is a failure.
 */
export function heedReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") process.exit(EXIT.refused);
      if (isFollowing) process.exit(EXIT.ok);
    });
}
