/** Sizes in bytes and times in milliseconds, under the names that the documents use. */
export const KiB = 1024;
export const MiB = 1024 * KiB;
/** Limits that people set and read are decimal, as file managers show them. */
export const MB = 1_000_000;

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const WEEK = 7 * DAY;
