import { expect, test } from "vitest";
import { Days, isTimeZone } from "./days.ts";

const HOUR = 3600 * 1000;
const hours = (zone: string, at: string): [date: string, hours: number] => {
  const days = new Days(zone);
  const day = days.at(Date.parse(at));
  // The first moment of the day: the end of the one before.
  const begins = days.at(day.ends - 30 * HOUR).date === day.date ? NaN : new Days(zone).at(day.ends - 25 * HOUR - 1).ends;
  return [day.date, (day.ends - begins) / HOUR];
};

test.each([
  ["Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29", 23],
  ["Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25", 25],
  ["Europe/Berlin", "2026-11-30T12:00:00Z", "2026-11-30", 24],
  ["America/New_York", "2026-03-08T12:00:00Z", "2026-03-08", 23],
  // Summer time begins at midnight: the day begins at one o'clock.
  ["Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-24", 23],
  ["Australia/Lord_Howe", "2026-04-05T02:00:00Z", "2026-04-05", 24.5],
  ["Asia/Kathmandu", "2026-06-01T20:00:00Z", "2026-06-02", 24],
  ["UTC", "2026-12-31T23:59:59.999Z", "2026-12-31", 24],
])("a day of %s at %s is %s and has %d hours", (zone, at, date, length) => {
  expect(hours(zone, at)).toEqual([date, length]);
});

test("the moment of midnight belongs to the new day, and a clock that is set back finds the old one", () => {
  const days = new Days("Europe/Berlin");
  const { ends } = days.at(Date.parse("2026-10-25T12:00:00Z"));
  expect(new Date(ends).toISOString()).toBe("2026-10-25T23:00:00.000Z");
  expect(days.at(ends).date).toBe("2026-10-26");
  expect(days.at(ends - 1)).toEqual(expect.objectContaining({ date: "2026-10-25", ends }));
});

test.each([
  ["UTC", "2026-11-30", "2026-11-30T00:00:00.000Z"],
  ["Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00.000Z"],
  ["Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00.000Z"],
  ["Pacific/Kiritimati", "2026-11-30", "2026-11-29T10:00:00.000Z"],
  ["Pacific/Pago_Pago", "2026-11-30", "2026-11-30T11:00:00.000Z"],
])("in %s the date %s begins at %s", (zone, date, at) => {
  expect(new Date(new Days(zone).beginOf(date)).toISOString()).toBe(at);
});

test("a time zone is one that the runtime knows", () => {
  expect(["Europe/Berlin", "UTC", "Europe/Nowhere", ""].map(isTimeZone)).toEqual([true, true, false, false]);
});
