// The keys, by `?`.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { isOffered, keysAreOn, keysKey, screens } from "../screens/list.ts";
import { Dialog } from "./dialog.tsx";

const keyHelp: [string, string][] = [
  ["?", "Show these keys"],
  ["/", "Add a filter"],
  ["g …", "Go to a screen, by the letter beside it below"],
  ["j  k", "Next and previous row"],
  ["Enter", "Open the row"],
  ["↑ ↓ ← →", "Move in a table of events or sessions, in a menu, on a chart"],
  ["[  ]", "Earlier and later range"],
  ["r", "Refresh"],
  ["Esc", "Close what is open"],
];

export function Help({ onClose }: { onClose: () => void }): JSX.Element {
  const [on, setOn] = useState(keysAreOn);
  const put = (now: boolean): void => (localStorage.setItem(keysKey, now ? "on" : "off"), setOn(now));
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {keyHelp.map(([key, what]) => <KeyLine key={key} keys={key} what={what} />)}
      </dl>
      <h3>Screens</h3>
      <dl class="keys">
        {screens.filter(isOffered).map((s) => <KeyLine key={s.name} keys={`g ${s.key}`} what={s.title} />)}
      </dl>
      <label class="row small">
        <input type="checkbox" checked={on} onChange={(e) => put(e.currentTarget.checked)} /> Single keys work outside fields
      </label>
      <p class="muted small">Click a value to filter by it, Alt-click or Alt and Enter to exclude it.</p>
    </Dialog>
  );
}

function KeyLine({ keys, what }: { keys: string; what: string }): JSX.Element {
  return (
    <div>
      <dt>{keys.split(/\s+/).map((k) => <kbd key={k}>{k}</kbd>)}</dt>
      <dd>{what}</dd>
    </div>
  );
}
