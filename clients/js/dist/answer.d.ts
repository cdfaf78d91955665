import type { Answer } from "./client.js";
/** Reads an answer, whose end is cut off where it is too large: no collector sends such a one. */
export declare function readAnswer(response: Response): Promise<Answer>;
