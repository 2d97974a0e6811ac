import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "./api.ts";
import { painted } from "./painted.ts";
import { useIsLive } from "./store.ts";

export interface Fetched<T> {
  value: T | undefined;
  error: string | undefined;
  again: () => Promise<void>;
}

/**
 * Fetches when `fetch` changes (wrap it in useCallback) or `mark` does (what it depends on beyond its input), and again
 * when asked, and what could not be fetched when the line to the hive is back. While a newer value is on its way, or
 * does not come, the old one stays: nothing flickers.
 */
export function useFetched<T>(fetch: () => Promise<T>, mark?: string | number): Fetched<T> {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<string>();
  const hasFailed = useRef(false);
  const again = useCallback(async (): Promise<void> => {
    try {
      setValue(await fetch());
      setError(undefined);
      hasFailed.current = false;
    } catch (problem) {
      hasFailed.current = true;
      setError(problem instanceof ApiError ? problem.message : "that could not be fetched");
    }
  }, [fetch]);
  useEffect(() => {
    void painted().then(again);
  }, [again, mark]);
  const isLive = useIsLive();
  useEffect(() => {
    if (isLive && hasFailed.current) void again();
  }, [isLive, again]);
  return { value, error, again };
}
