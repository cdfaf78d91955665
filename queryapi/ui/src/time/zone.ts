// Wall clocks of IANA zones, by the tables of the browser.

const formats = new Map<string, Intl.DateTimeFormat>();

/** Reports whether the browser knows a zone. */
export function isZone(zone: string): boolean {
  try {
    partsFormat(zone);
    return true;
  } catch {
    return false;
  }
}

/** The zone of this computer. */
export function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** The zones that a person can choose from. */
export function knownZones(): string[] {
  const zones = Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC");
  return ["UTC", ...zones];
}

function partsFormat(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone, calendar: "gregory", numberingSystem: "latn", era: "short", hourCycle: "h23",
      year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
    });
    formats.set(zone, format);
  }
  return format;
}

/** Returns the offset of a zone from UTC at an instant, both in milliseconds. */
export function zoneOffset(millis: number, zone: string): number {
  const part: Record<string, string> = {};
  for (const { type, value } of partsFormat(zone).formatToParts(millis)) part[type] = value;
  const year = Number(part["year"]);
  const wall = new Date(0);
  wall.setUTCFullYear(part["era"] === "BC" ? 1 - year : year, Number(part["month"]) - 1, Number(part["day"]));
  wall.setUTCHours(Number(part["hour"]), Number(part["minute"]), Number(part["second"]));
  return wall.getTime() - Math.floor(millis / 1000) * 1000;
}

/**
 * Returns the instant of a wall clock, whose reading is given as if it were UTC; in
 * milliseconds. A reading that the clock skips counts on with the offset before.
 */
export function wallToInstant(wall: number, zone: string): bigint {
  const before = zoneOffset(wall - 86_400_000, zone);
  const after = zoneOffset(wall + 86_400_000, zone);
  for (const offset of [before, after]) {
    if (zoneOffset(wall - offset, zone) === offset) return BigInt(wall - offset);
  }
  return BigInt(wall - before);
}

/** Returns the beginning of the day that lies some days before the one of an instant, in microseconds. */
export function startOfDay(micros: bigint, daysBefore: number, zone: string): bigint {
  const millis = Number(micros / 1000n);
  const wall = new Date(millis + zoneOffset(millis, zone));
  wall.setUTCHours(0, 0, 0, 0);
  wall.setUTCDate(wall.getUTCDate() - daysBefore);
  return wallToInstant(wall.getTime(), zone) * 1000n;
}
