// The screens that show events themselves, as one file: they share most of it.

export { Explorer } from "./explorer.tsx";
export { Live } from "./live.tsx";
export { Sessions } from "./sessions.tsx";
export { Types } from "./types.tsx";
