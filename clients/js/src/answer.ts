// Reading what fetch answers, on every platform.
import type { Answer } from "./client.js";

/** The most bytes of an answer that are read: a result has some hundred. */
const maxAnswerBytes = 4 << 20;

/** Reads an answer, whose end is cut off where it is too large: no collector sends such a one. */
export async function readAnswer(response: Response): Promise<Answer> {
  const answer = { status: response.status, text: "", header: (name: string) => response.headers.get(name) };
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  for (let bytes = 0; reader && bytes < maxAnswerBytes;) {
    const { done, value } = await reader.read();
    if (done) return answer;
    bytes += value.length;
    answer.text += decoder.decode(value, { stream: true });
  }
  reader?.cancel().catch(() => {});
  return answer;
}
