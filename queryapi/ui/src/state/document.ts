// A declaration of the registry: its text as it was put, and the revision that it has.

import { useEffect, useState } from "preact/hooks";
import { type Call, get, pathTo } from "../api/call.ts";
import { asFailure, type Failure, send } from "../api/client.ts";
import { refreshes } from "./answer.ts";

export interface Declaration {
  text: string;
  revision: number;
}

export interface DeclarationAnswer {
  call: Call | undefined;
  value: Declaration | undefined;
  failure: Failure | undefined;
}

export const schemaCall = (category: string, name: string, revision?: number): Call => get(pathTo("schemas", category, name), { revision });

export async function readDeclaration(call: Call, signal?: AbortSignal): Promise<Declaration> {
  const answer = await send(call, signal);
  const text = await answer.text();
  return { text, revision: Number(answer.headers.get("ETag")?.replaceAll('"', "")) || 0 };
}

/** Reads a declaration; undefined reads nothing. attempt is raised to read it again. */
export function useDeclaration(call: Call | undefined, attempt = 0): DeclarationAnswer {
  const key = call ? JSON.stringify(call) : "";
  const [state, setState] = useState<{ key: string; value?: Declaration; failure?: Failure }>({ key: "" });
  const raised = refreshes.value;
  useEffect(() => {
    if (!call) return undefined;
    const controller = new AbortController();
    readDeclaration(call, controller.signal).then(
      (value) => setState({ key, value }),
      (e: unknown) => {
        if (controller.signal.aborted) return;
        setState({ key, failure: asFailure(e) });
      },
    );
    return () => controller.abort();
  }, [key, raised, attempt]);
  const own = state.key === key ? state : undefined;
  return { call, value: own?.value, failure: own?.failure };
}
