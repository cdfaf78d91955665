// The sign-in: a token is checked by the server before it is kept.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get } from "../api/call.ts";
import { ask, Failure } from "../api/client.ts";
import { Icon } from "../components/icon.tsx";
import { type OwnToken, signedOutBecause, signIn } from "../state/session.ts";

export function SignIn(): JSX.Element {
  const [secret, setSecret] = useState("");
  const [fault, setFault] = useState("");
  const [waiting, setWaiting] = useState(false);

  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    const typed = secret.trim();
    if (typed === "") {
      setFault("Paste a token.");
      return;
    }
    setWaiting(true);
    try {
      signIn(typed, await ask<OwnToken>(get("/v1/token"), undefined, typed));
    } catch (failure) {
      setFault(failure instanceof Failure ? failure.message : String(failure));
    } finally {
      setWaiting(false);
    }
  };
  return (
    <main class="centred">
      <form class="signin" onSubmit={(e) => void submit(e)} noValidate>
        <h1>
          <span class="brand-mark"><Icon name="eye" /></span> The Eye
        </h1>
        {signedOutBecause.value && <p class="notice-line" role="status">{signedOutBecause.value}</p>}
        <label class="field">
          <span>Analyst or operator token</span>
          <input class="input mono" type="password" name="token" autocomplete="off" spellcheck={false} autofocus value={secret} aria-invalid={fault !== ""} aria-describedby="signin-fault" onInput={(e) => (setSecret(e.currentTarget.value), setFault(""))} />
        </label>
        <p class="fault" id="signin-fault" role="alert">{fault}</p>
        <button type="submit" class="button primary wide" disabled={waiting}>
          Sign in
        </button>
        <p class="muted small">
          The token stays in this tab until it is closed. An operator creates one with <code>theeye token create</code>; <code>theeye up --dev</code> prints a link that signs in.
        </p>
        <p class="small">
          <a href="/docs">Documentation of the API</a>
        </p>
      </form>
    </main>
  );
}
