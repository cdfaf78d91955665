// An action that a person starts: one at a time, with what went wrong.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Call } from "../api/call.ts";
import { asFailure, ask, type Failure } from "../api/client.ts";

export interface Task {
  running: boolean;
  failure: Failure | undefined;
  /** The call that failed. */
  call: Call | undefined;
  /** Sends a call and returns the JSON of its answer; undefined if it failed. */
  run: <T>(call: Call) => Promise<T | undefined>;
  clear: () => void;
}

export function useTask(): Task {
  const [running, setRunning] = useState(false);
  const [failed, setFailed] = useState<{ failure: Failure; call: Call }>();
  const gone = useRef(false);
  useEffect(() => () => void (gone.current = true), []);
  const run = async <T>(call: Call): Promise<T | undefined> => {
    setRunning(true);
    setFailed(undefined);
    try {
      return await ask<T>(call);
    } catch (e) {
      if (!gone.current) setFailed({ failure: asFailure(e), call });
      return undefined;
    } finally {
      if (!gone.current) setRunning(false);
    }
  };
  return { running, failure: failed?.failure, call: failed?.call, run, clear: () => setFailed(undefined) };
}
