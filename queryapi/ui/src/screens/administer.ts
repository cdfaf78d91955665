// The screens of the installation, which share most of their code, in one file.

export { Access } from "./access.tsx";
export { Changes } from "./changes.tsx";
export { Audits, Replays } from "./jobs.tsx";
export { Policy } from "./policy.tsx";
export { Status } from "./status.tsx";
