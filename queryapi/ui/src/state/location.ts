// The address of the page as a signal, over the history of the browser.

import { computed, signal } from "@preact/signals";
import { isZone, localZone } from "../time/zone.ts";
import { type Address, formatAddress, parseAddress } from "./address.ts";

const current = signal(read());

/** The address that the page shows. */
export const address = computed(() => current.value);

function read(): Address {
  const parsed = parseAddress(location.pathname, location.search, localZone());
  return isZone(parsed.tz) ? parsed : { ...parsed, tz: "UTC" };
}

/** Goes to an address, in a new entry of the history. */
export function go(to: Address): void {
  const link = formatAddress(to);
  if (link !== location.pathname + location.search) history.pushState(null, "", link);
  current.value = to;
}

/** Goes to an address in the place of the present one: Back does not return to that. */
export function replace(to: Address): void {
  history.replaceState(null, "", formatAddress(to));
  current.value = to;
}

/** Follows Back and Forward, and writes what the address leaves out. */
export function startLocation(): void {
  addEventListener("popstate", () => (current.value = read()));
  replace(current.value);
}

/** Changes a part of the address. */
export function change(part: Partial<Address>): void {
  go({ ...current.value, ...part });
}
