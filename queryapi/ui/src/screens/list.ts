// The screens: their names in addresses, their keys, and whom they are offered to.

import type { ComponentType } from "preact";
import type { IconName } from "../components/icon.tsx";
import { isOperator } from "../state/session.ts";

export interface Screen {
  name: string;
  title: string;
  /** `g` and this letter lead to it. */
  key: string;
  icon: IconName;
  group: "Explore" | "Analyse" | "Operate";
  operators?: boolean;
  /** Says that the filters of the address count on it. */
  filters: boolean;
  /** Loads the view: each screen is a file of its own. */
  load: () => Promise<ComponentType>;
}

export const screens: Screen[] = [
  { name: "overview", title: "Overview", key: "o", icon: "overview", group: "Explore", filters: true, load: async () => (await import("./overview.tsx")).Overview },
  { name: "explorer", title: "Explorer", key: "e", icon: "explorer", group: "Explore", filters: true, load: async () => (await import("./explore.ts")).Explorer },
  { name: "sessions", title: "Sessions", key: "s", icon: "sessions", group: "Explore", filters: true, load: async () => (await import("./explore.ts")).Sessions },
  { name: "types", title: "Types and fields", key: "t", icon: "types", group: "Explore", filters: true, load: async () => (await import("./explore.ts")).Types },
  { name: "live", title: "Live", key: "l", icon: "live", group: "Explore", filters: true, load: async () => (await import("./explore.ts")).Live },
  { name: "trends", title: "Trends", key: "d", icon: "trends", group: "Analyse", filters: true, load: async () => (await import("./analyse.ts")).Trends },
  { name: "funnel", title: "Funnel", key: "f", icon: "funnel", group: "Analyse", filters: true, load: async () => (await import("./analyse.ts")).FunnelScreen },
  { name: "retention", title: "Retention", key: "n", icon: "retention", group: "Analyse", filters: true, load: async () => (await import("./analyse.ts")).RetentionScreen },
  { name: "paths", title: "Paths", key: "p", icon: "paths", group: "Analyse", filters: true, load: async () => (await import("./analyse.ts")).PathsScreen },
  { name: "export", title: "Export", key: "w", icon: "export", group: "Analyse", filters: true, load: async () => (await import("./analyse.ts")).Export },
  { name: "rejected", title: "Rejected", key: "x", icon: "rejected", group: "Operate", filters: false, load: async () => (await import("./rejected.tsx")).Rejected },
  { name: "schemas", title: "Schemas", key: "m", icon: "schemas", group: "Operate", operators: true, filters: false, load: async () => (await import("./schemas.tsx")).Schemas },
  { name: "replays", title: "Replays", key: "y", icon: "replays", group: "Operate", operators: true, filters: false, load: async () => (await import("./administer.ts")).Replays },
  { name: "audits", title: "Audits", key: "u", icon: "audits", group: "Operate", operators: true, filters: false, load: async () => (await import("./administer.ts")).Audits },
  { name: "status", title: "Status", key: "h", icon: "status", group: "Operate", operators: true, filters: false, load: async () => (await import("./administer.ts")).Status },
  { name: "access", title: "Access", key: "k", icon: "access", group: "Operate", operators: true, filters: false, load: async () => (await import("./administer.ts")).Access },
  { name: "policy", title: "Policy", key: "i", icon: "policy", group: "Operate", operators: true, filters: false, load: async () => (await import("./administer.ts")).Policy },
  { name: "changes", title: "Changes", key: "c", icon: "changes", group: "Operate", operators: true, filters: false, load: async () => (await import("./administer.ts")).Changes },
  { name: "playground", title: "Playground", key: "a", icon: "playground", group: "Operate", filters: false, load: async () => (await import("./playground.tsx")).Playground },
];

export const screenOf = (name: string): Screen | undefined => screens.find((s) => s.name === name);

/** Reports whether there is a screen that the token may use: what it may not do is not offered. */
export const isOffered = (s: Screen | undefined): boolean => s !== undefined && (!s.operators || isOperator());

/** Single keys can be switched off: who speaks to the computer may type them unawares. */
export const keysKey = "eye.keys";
export const keysAreOn = (): boolean => localStorage.getItem(keysKey) !== "off";
