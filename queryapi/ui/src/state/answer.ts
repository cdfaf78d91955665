// An answer of the API over time: asked again when the call changes, when a person asks,
// and, where that makes sense, every few seconds.

import { signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Call } from "../api/call.ts";
import { asFailure, ask, type Failure } from "../api/client.ts";

/** Raised to ask every question on the screen again. */
export const refreshes = signal(0);

/** How long a question takes: a skeleton after 200 ms, "cancel" after 2 s. */
export type Waiting = "no" | "briefly" | "skeleton" | "long";

export interface Answer<T> {
  call: Call | undefined;
  /** The newest answer. While another call is in work, that of the call before. */
  value: T | undefined;
  failure: Failure | undefined;
  waiting: Waiting;
  cancelled: boolean;
  cancel: () => void;
  retry: () => void;
}

const skeletonAfter = 200;
const cancelAfter = 2000;

/** Asks a call; undefined asks nothing. every is the time until it is asked again, in ms. */
export function useAnswer<T>(call: Call | undefined, every = 0, how: (call: Call, signal: AbortSignal) => Promise<T> = ask): Answer<T> {
  const key = call ? JSON.stringify(call) : "";
  const [value, setValue] = useState<T>();
  const [failure, setFailure] = useState<Failure>();
  const [waiting, setWaiting] = useState<Waiting>(call ? "briefly" : "no");
  const [cancelled, setCancelled] = useState(false);
  // The call that was answered or given up last: until it is this one, the value is older.
  const [settled, setSettled] = useState("");
  const [attempt, setAttempt] = useState(0);
  const abort = useRef<AbortController | undefined>(undefined);
  const raised = refreshes.value;

  // Before the screen is painted: the server works meanwhile.
  useLayoutEffect(() => {
    if (!call) {
      setValue(undefined);
      setFailure(undefined);
      setWaiting("no");
      setSettled("");
      return undefined;
    }
    const controller = new AbortController();
    abort.current = controller;
    const timers: ReturnType<typeof setTimeout>[] = [];
    const later = (work: () => void, ms: number): void => void timers.push(setTimeout(work, ms));
    setCancelled(false);
    setWaiting("briefly");
    later(() => setWaiting("skeleton"), skeletonAfter);
    later(() => setWaiting("long"), cancelAfter);
    const finish = (): void => {
      timers.splice(0).forEach(clearTimeout);
      setWaiting("no");
      setSettled(key);
    };
    how(call, controller.signal).then(
      (answer) => {
        if (controller.signal.aborted) return;
        finish();
        setFailure(undefined);
        setValue(answer);
        if (every > 0) later(askWhenVisible(() => setAttempt((n) => n + 1)), every);
      },
      (e: unknown) => {
        if (controller.signal.aborted) return;
        finish();
        const failed = asFailure(e);
        failed.again = failed.transient || (every > 0 && failed.status >= 500);
        setFailure(failed);
        if (failed.again) later(() => setAttempt((n) => n + 1), Math.max(1000, failed.retryAfter * 1000, failed.transient ? 0 : every));
      },
    );
    return () => {
      controller.abort();
      timers.forEach(clearTimeout);
    };
  }, [key, attempt, raised, every]);

  return {
    call,
    value,
    failure,
    waiting: settled !== key && waiting === "no" ? "briefly" : waiting,
    cancelled,
    cancel: () => {
      abort.current?.abort();
      setWaiting("no");
      setSettled(key);
      setCancelled(true);
    },
    retry: () => setAttempt((n) => n + 1),
  };
}

/** Delays work while the page is hidden. */
function askWhenVisible(work: () => void): () => void {
  return () => {
    if (!document.hidden) return work();
    document.addEventListener("visibilitychange", () => work(), { once: true });
  };
}
