import { render } from "preact";
import { App } from "./app.tsx";
import { startFocus } from "./state/focus.ts";
import { startLocation } from "./state/location.ts";
import { takeTokenOfFragment } from "./state/session.ts";
import { startTheme } from "./state/theme.ts";

takeTokenOfFragment(); // before anything else could read or keep the address
startTheme();
startLocation();
startFocus();
render(<App />, document.getElementById("app")!);
