"""What Python's zoneinfo knows of the system's time zones, for test_zone.c: one line for each fact.

  U <zone> <ms> <offset in seconds>   at this moment the wall clock is ahead of UTC by this
  L <zone> <ms> <ms>                  the wall clock shows the first at the second; skipped times: at the jump

The same lines in every run. Moments lie between 1800 and 2500, many of them around changes of the clocks.
"""
import random
import zoneinfo
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
CHANGING = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca",
            "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns", "America/Havana", "Europe/Dublin", "Asia/Gaza",
            "Antarctica/Troll", "America/Godthab", "Asia/Tehran", "Pacific/Chatham", "Africa/Monrovia")
YEARS = (1916, 1945, 1973, 1999, 2011, 2018, 2026, 2037, 2038, 2100, 2400)


def offset_s(zone, second):
    moment = (EPOCH + timedelta(seconds=second)).astimezone(zone)
    return int(moment.utcoffset().total_seconds())


def change_between(zone, low, high):
    """The second at which the offset becomes another, when low and high differ in it."""
    while high - low > 1:
        middle = (low + high) // 2
        if offset_s(zone, middle) == offset_s(zone, low):
            low = middle
        else:
            high = middle
    return high


def moment_of(zone, local):
    """The second at which the wall clock of zone shows `local` seconds, the first if there are two."""
    naive = EPOCH.replace(tzinfo=None) + timedelta(seconds=local)
    first, second = (int((naive.replace(tzinfo=zone, fold=fold) - EPOCH).total_seconds()) for fold in (0, 1))
    if first + offset_s(zone, first) == local:
        return first
    return change_between(zone, second, first)


def say(name, zone, second):
    print("U", name, second * 1000, offset_s(zone, second))
    print("L", name, second * 1000, moment_of(zone, second) * 1000)


def main():
    dice = random.Random(7)
    for name in sorted(zoneinfo.available_timezones() - {"localtime"}):
        zone = zoneinfo.ZoneInfo(name)
        for _ in range(12):
            say(name, zone, dice.randrange(-5364662400, 16725225600))
    for name in CHANGING:
        zone = zoneinfo.ZoneInfo(name)
        for year in YEARS:
            start = int((datetime(year, 1, 1, tzinfo=timezone.utc) - EPOCH).total_seconds())
            for low in range(start, start + 366 * 86400, 86400):
                if offset_s(zone, low) == offset_s(zone, low + 86400):
                    continue
                change = change_between(zone, low, low + 86400)
                for away in (-86400, -3601, -3600, -1800, -1, 0, 1, 1800, 3599, 3600, 7200):
                    say(name, zone, change + away)
                    say(name, zone, change + offset_s(zone, change) + away)


main()
