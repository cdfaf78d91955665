// A component that is a file of its own, loaded when it is shown first.

import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

export function lazily<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element {
  let View: ComponentType<P> | undefined;
  return function Lazy(props: P): JSX.Element {
    const [state, setState] = useState<"waiting" | "there" | "failed">("waiting");
    useEffect(() => {
      if (View) return;
      load().then(
        (view) => ((View = view), setState("there")),
        () => setState("failed"),
      );
    }, []);
    if (View) return <View {...props} />;
    if (state === "waiting") return <span class="hidden" />;
    return <NotLoaded />;
  };
}

export function NotLoaded(): JSX.Element {
  return (
    <p class="empty">
      A file of this screen could not be loaded; the server may have been updated. <button type="button" class="link" onClick={() => location.reload()}>Load the page again</button>
    </p>
  );
}
