// The token of the person. It stays in sessionStorage, which ends with the tab, and is
// sent as Bearer. There is no cookie, so no other page can act with it.

import { signal } from "@preact/signals";

const tokenKey = "eye.token";

/** What the token may do, as GET /v1/token answers. */
export interface OwnToken {
  id: string;
  role: "analyst" | "operator";
  applications: string[];
  every_application: boolean;
}

export const token = signal(sessionStorage.getItem(tokenKey) ?? "");
/** undefined until the server answered. */
export const rights = signal<OwnToken | undefined>(undefined);
/** Why the person was led back to the sign-in. */
export const signedOutBecause = signal("");

/** Takes a token out of the fragment, in which `theeye up --dev` links it, and removes it there. */
export function takeTokenOfFragment(): void {
  const linked = new URLSearchParams(location.hash.slice(1)).get("token");
  if (linked === null) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (linked) keep(linked);
}

function keep(secret: string): void {
  sessionStorage.setItem(tokenKey, secret);
  token.value = secret;
}

/** Keeps a token that the server accepted, with its rights. */
export function signIn(secret: string, own: OwnToken): void {
  keep(secret);
  rights.value = own;
  signedOutBecause.value = "";
}

/** Forgets the token. The address stays, so that signing in returns to it. */
export function signOut(because = ""): void {
  sessionStorage.removeItem(tokenKey);
  token.value = "";
  rights.value = undefined;
  signedOutBecause.value = because;
}

export const isOperator = (): boolean => rights.value?.role === "operator";
