// One event with its outcome.

import { type Call, get, pathTo } from "./call.ts";

/** The call that answers an event. */
export const eventCall = (id: string, application?: string): Call => get(pathTo("events", id), { application });
