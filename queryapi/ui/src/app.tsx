// The frame around every screen: sign-in, navigation, header, filters.

import type { ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api/call.ts";
import { asFailure, ask, type Failure } from "./api/client.ts";
import { FailureNote } from "./components/panel.tsx";
import { FilterBar } from "./components/filterbar.tsx";
import { Header } from "./components/header.tsx";
import { lazily, NotLoaded } from "./components/lazy.tsx";
import { Navigation } from "./components/navigation.tsx";
import { useKeys } from "./components/keys.ts";
import { isOffered, type Screen, screenOf, screens } from "./screens/list.ts";
import { SignIn } from "./screens/signin.tsx";
import { address } from "./state/location.ts";
import { notice } from "./state/notice.ts";
import { type OwnToken, rights, token } from "./state/session.ts";

const Help = lazily<{ onClose: () => void }>(async () => (await import("./components/help.tsx")).Help);

export function App(): JSX.Element {
  return (
    <>
      {token.value === "" ? <SignIn /> : rights.value === undefined ? <Rights /> : <Frame />}
      <div class={`notice ${notice.value ? "" : "hidden"}`} role="status" aria-live="polite">
        {notice.value}
      </div>
    </>
  );
}

/** Asks what the kept token may do. */
function Rights(): JSX.Element {
  const [failure, setFailure] = useState<Failure>();
  const [attempt, setAttempt] = useState(0);
  const call = get("/v1/token");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    void screenOf(address.value.screen)?.load().catch(() => undefined); // meanwhile
    ask<OwnToken>(call).then(
      (own) => (rights.value = own),
      (e: unknown) => {
        setFailure(asFailure(e));
        timer = setTimeout(() => setAttempt((n) => n + 1), 1000);
      },
    );
    return () => clearTimeout(timer);
  }, [attempt]);
  return <main class="centred">{failure && <FailureNote failure={failure} call={call} />}</main>;
}

function Frame(): JSX.Element {
  const { screen, id } = address.value;
  const found = screenOf(screen);
  const title = found?.title ?? "No such screen";
  const [navigation, setNavigation] = useState(false);
  const [help, setHelp] = useState(false);
  const at = `${screen}/${id}`;
  const focused = useRef({ at, navigation });
  useKeys(() => setHelp(true));
  useEffect(() => {
    document.title = `${title} · The Eye`;
    setNavigation(false);
  }, [at]);
  // The focus follows to the list of screens where that is opened, and to another screen.
  useEffect(() => {
    const before = focused.current;
    const to = navigation ? ".side-link" : before.at !== at ? "#main" : before.navigation ? ".menu-button" : undefined;
    if (to) document.querySelector<HTMLElement>(to)?.focus({ preventScroll: true });
    focused.current = { at: navigation ? before.at : at, navigation };
  }, [at, navigation]);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById("main")?.focus())}>
        Skip to the content
      </a>
      <Navigation open={navigation} onClose={() => setNavigation(false)} onHelp={() => setHelp(true)} />
      <div class="page" inert={navigation}>
        <Header title={title} onMenu={() => setNavigation(true)} />
        {found?.filters && id === "" && <FilterBar />}
        <main id="main" tabIndex={-1} aria-label={title} key={screen}>
          {found && isOffered(found) ? <Loaded screen={found} /> : <NoScreen known={found !== undefined} />}
        </main>
      </div>
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

/** The views that were loaded, by the name of the screen. */
const views = new Map<string, ComponentType>();

/** Shows a screen once its file is there, and fetches those of the others when nothing else is to do. */
function Loaded({ screen }: { screen: Screen }): JSX.Element | null {
  const [, setLoaded] = useState("");
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const load = async (s: Screen): Promise<void> => void views.set(s.name, await s.load());
    load(screen).then(
      () => {
        setLoaded(screen.name);
        setTimeout(() => screens.filter((s) => isOffered(s) && !views.has(s.name)).forEach((s) => void load(s).catch(() => undefined)), prefetchAfter);
      },
      () => setFailed(true),
    );
  }, [screen]);
  const View = views.get(screen.name);
  if (View) return <View />;
  return failed ? <NotLoaded /> : null;
}

/** How long the first screen is left alone, in ms. */
const prefetchAfter = 1500;

function NoScreen({ known }: { known: boolean }): JSX.Element {
  return <p class="empty">{known ? "This screen needs an operator token." : "There is no screen at this address. The navigation has all screens."}</p>;
}
