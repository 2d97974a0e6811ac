import type { PictureType } from "./files.ts";

/** The type of a picture by its first bytes. Undefined for anything else, whatever its name says. */
export function pictureType(bytes: Buffer): PictureType | undefined {
  const begins = (text: string, at = 0): boolean => bytes.toString("latin1", at, at + text.length) === text;
  if (begins("\u0089PNG\r\n\u001A\n")) return "image/png";
  if (begins("\u00FF\u00D8\u00FF")) return "image/jpeg";
  if (begins("GIF87a") || begins("GIF89a")) return "image/gif";
  if (begins("RIFF") && begins("WEBP", 8)) return "image/webp";
  return undefined;
}
