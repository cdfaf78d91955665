// What Overview shows before there is an event, which most people never see.

import { lazily } from "../components/lazy.tsx";

export const FirstEvent = lazily(async () => (await import("./firsteventview.tsx")).FirstEventView);
