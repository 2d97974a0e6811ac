import { useCallback, useEffect, useState } from "react";
import { ApiError } from "./api.ts";
import { painted } from "./painted.ts";

export interface Fetched<T> {
  value: T | undefined;
  error: string | undefined;
  again: () => Promise<void>;
}

/**
 * Fetches when `fetch` changes (wrap it in useCallback) or `mark` does (what it depends on beyond its input), and again
 * when asked. While a newer value is on its way the
 * old one stays: nothing flickers.
 */
export function useFetched<T>(fetch: () => Promise<T>, mark?: string | number): Fetched<T> {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<string>();
  const again = useCallback(async (): Promise<void> => {
    try {
      setValue(await fetch());
      setError(undefined);
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : "that could not be fetched");
    }
  }, [fetch]);
  useEffect(() => {
    void painted().then(again);
  }, [again, mark]);
  return { value, error, again };
}
