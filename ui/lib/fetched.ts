import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "./api.ts";
import { afterFirstPaint } from "./after-first-paint.ts";
import { useIsLive } from "./store.ts";

export interface Fetched<T> {
  value: T | undefined;
  error: string | undefined;
  again: () => Promise<void>;
}

/**
 * Fetches when `fetch` changes (wrap it in useCallback), when `mark` changes (what the data depends on besides its
 * input), and on request. A failed fetch is retried when the connection to the hive is restored. The old value stays
 * until a new one arrives, so nothing flickers.
 */
export function useFetched<T>(fetch: () => Promise<T>, mark?: string | number): Fetched<T> {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<string>();
  const hasFailed = useRef(false);
  const latest = useRef(0);
  const again = useCallback(async (): Promise<void> => {
    const mine = ++latest.current;
    try {
      const fetched = await fetch();
      // A later fetch has begun: its answer is the newer one.
      if (mine !== latest.current) return;
      setValue(fetched);
      setError(undefined);
      hasFailed.current = false;
    } catch (problem) {
      if (mine !== latest.current) return;
      hasFailed.current = true;
      setError(problem instanceof ApiError ? problem.message : "that could not be fetched");
    }
  }, [fetch]);
  useEffect(() => {
    void afterFirstPaint().then(again);
  }, [again, mark]);
  const isLive = useIsLive();
  useEffect(() => {
    if (isLive && hasFailed.current) void again();
  }, [isLive, again]);
  return { value, error, again };
}
