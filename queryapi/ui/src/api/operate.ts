// The answers of the calls of operators; /openapi.json describes them in full.

import type { Fault } from "./types.ts";

export interface RejectedGroup {
  application: string;
  category?: string;
  name?: string;
  code: string;
  path: string;
  count: number;
  first_seen: string;
  last_seen: string;
  sample_id: string;
  series?: number[];
}

export interface RejectedSummary {
  total: number;
  groups: RejectedGroup[];
}

export interface VersionInfo {
  revision: number;
  time: string;
  author: string;
  note: string;
}

export interface Version extends VersionInfo {
  removed?: boolean;
}

export interface VersionPage {
  versions: Version[];
  next_cursor: string | null;
}

export interface SchemaList {
  revision: number;
  schemas: (VersionInfo & { category: string; name: string })[];
}

export interface DraftVerdicts {
  results: { index: number; errors?: Fault[] }[];
}

/** The selection of a job. */
export interface Selection {
  from?: string;
  to?: string;
  from_seq?: number;
  to_seq?: number;
  application?: string;
  category?: string;
  name?: string;
  only?: string;
  code?: string;
}

export type JobState = "queued" | "running" | "done" | "cancelled" | "failed";

export interface Job<R = unknown> {
  id: string;
  state: JobState;
  dry_run: boolean;
  target_revision: number;
  selection: Selection;
  schemas?: { category: string; name: string }[];
  max_rate?: number;
  repair?: boolean;
  done: number;
  total: number;
  rate: number;
  phase?: string;
  error?: string;
  cancel_requested?: boolean;
  author: string;
  note?: string;
  created_at: string;
  started_at?: string;
  ended_at?: string;
  queued_behind?: string[];
  report?: R;
}

export type OutcomeChange = "newly_valid" | "still_rejected" | "newly_rejected" | "unchanged";

export interface ReportSample {
  application: string;
  event_id: string;
  seq: number;
  before: Fault[] | null;
  after: Fault[] | null;
}

export interface ReportGroup {
  category: string;
  name: string;
  code: string;
  path: string;
  change: OutcomeChange;
  count: number;
  samples: ReportSample[];
}

export interface ReplayReport extends Record<OutcomeChange, number> {
  pending: number;
  duplicates: number;
  expired: number;
  purged: number;
  groups: ReportGroup[];
  omitted_groups?: number;
}

export interface AuditReport {
  from_seq: number;
  to_seq: number;
  stored: number;
  rejected: number;
  duplicate: number;
  expired: number;
  purged: number;
  pending: number;
  missing: number;
  missing_in_store: number;
  lost_in_stream: number;
  lost_tail?: number;
  repaired: number;
  missing_sequences: number[];
  missing_ranges: { from: number; to: number; reason: "store" | "stream" }[];
  unnamed?: number;
}

/** Reports whether no other state follows. */
export const isFinal = (state: JobState): boolean => state === "done" || state === "cancelled" || state === "failed";
