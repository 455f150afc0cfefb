/* SPDX-License-Identifier: MIT */
/* rfc3339: days to civil dates and back by integer arithmetic, in years that begin in March (so that
 * the leap day is the last) and eras of 400 years, which are all 146,097 days long. */
#include <telemetry/rfc3339.h>

#include <telemetry/metric.h>

enum {
    MS_PER_S = 1000,
    S_PER_MINUTE = 60,
    S_PER_DAY = 86400,
    MS_PER_DAY = S_PER_DAY * MS_PER_S,
    DAYS_PER_ERA = 146097,
    DAYS_TO_EPOCH = 719468 /* from 0000-03-01, where era 0 begins, to 1970-01-01 */
};

struct civil {
    unsigned year, month, day, hour, minute, second;
};

int64_t rfc3339_days(int year, unsigned month, unsigned day)
{
    int64_t march_year = (int64_t)year - (month <= 2);
    int64_t era = (march_year >= 0 ? march_year : march_year - 399) / 400;
    int64_t year_of_era = march_year - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - DAYS_TO_EPOCH;
}

/* The date of a day from 0000-03-01 on. */
static struct civil date_of(int64_t days_since_epoch)
{
    unsigned days = (unsigned)(days_since_epoch + DAYS_TO_EPOCH);
    unsigned era = days / DAYS_PER_ERA;
    unsigned day_of_era = days % DAYS_PER_ERA;
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned march_month = (5 * day_of_year + 2) / 153;
    unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (struct civil){ .year = era * 400 + year_of_era + (month <= 2),
                           .month = month,
                           .day = day_of_year - (153 * march_month + 2) / 5 + 1 };
}

static void two_digits(char *place, unsigned number)
{
    place[0] = (char)('0' + number / 10);
    place[1] = (char)('0' + number % 10);
}

void rfc3339_format(int64_t timestamp_ms, char ret_text[RFC3339_BYTES])
{
    int64_t days = timestamp_ms / MS_PER_DAY - (timestamp_ms % MS_PER_DAY < 0);
    unsigned ms = (unsigned)(timestamp_ms - days * MS_PER_DAY);
    unsigned second = ms / MS_PER_S;
    struct civil date = date_of(days);
    memcpy(ret_text, "0000-00-00T00:00:00.000Z", RFC3339_BYTES);
    two_digits(ret_text, date.year / 100);
    two_digits(ret_text + 2, date.year % 100);
    two_digits(ret_text + 5, date.month);
    two_digits(ret_text + 8, date.day);
    two_digits(ret_text + 11, second / 3600);
    two_digits(ret_text + 14, second / 60 % 60);
    two_digits(ret_text + 17, second % 60);
    ret_text[20] = (char)('0' + ms / 100 % 10);
    two_digits(ret_text + 21, ms % 100);
}

/* The text that is left to read. */
struct reader {
    const char *next;
    const char *end;
};

static bool read_digit(struct reader *reader, unsigned *ret_digit)
{
    unsigned digit = reader->next < reader->end ? (unsigned)(unsigned char)*reader->next - '0' : 10;
    if (digit > 9)
        return false;
    reader->next++;
    *ret_digit = digit;
    return true;
}

/* Exactly n digits. */
static bool read_number(struct reader *reader, unsigned n, unsigned *ret_number)
{
    unsigned number = 0;
    for (unsigned i = 0, digit; i < n; i++) {
        if (!read_digit(reader, &digit))
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

/* One byte out of `choices`; '\0' when the next is none of them. */
static char read_one(struct reader *reader, const char *choices)
{
    char next = reader->next < reader->end ? *reader->next : '\0';
    if (next == '\0' || strchr(choices, next) == NULL)
        return '\0';
    reader->next++;
    return next;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool read_date(struct reader *reader, struct civil *civil)
{
    return read_number(reader, 4, &civil->year) && read_one(reader, "-") && read_number(reader, 2, &civil->month) &&
           read_one(reader, "-") && read_number(reader, 2, &civil->day) && civil->month >= 1 && civil->month <= 12 &&
           civil->day >= 1 && civil->day <= days_in_month(civil->year, civil->month);
}

static bool read_time(struct reader *reader, struct civil *civil)
{
    return read_number(reader, 2, &civil->hour) && read_one(reader, ":") && read_number(reader, 2, &civil->minute) &&
           read_one(reader, ":") && read_number(reader, 2, &civil->second) && civil->hour <= 23 &&
           civil->minute <= 59 && civil->second <= 60;
}

/* Nothing, or a point and at least one digit. */
static bool read_fraction(struct reader *reader, unsigned *ret_ms)
{
    unsigned digit;
    *ret_ms = 0;
    if (!read_one(reader, "."))
        return true;
    if (!read_digit(reader, &digit))
        return false;
    for (unsigned weight = 100; weight > 0; weight /= 10) {
        *ret_ms += digit * weight;
        if (!read_digit(reader, &digit))
            return true;
    }
    while (read_digit(reader, &digit))
        ;
    return true;
}

/* Seconds that local time is ahead of UTC. */
static bool read_offset(struct reader *reader, int *ret_seconds)
{
    unsigned hours, minutes;
    char sign = read_one(reader, "Zz+-");
    *ret_seconds = 0;
    if (sign == 'Z' || sign == 'z')
        return true;
    if (sign == '\0' || !read_number(reader, 2, &hours) || !read_one(reader, ":") ||
        !read_number(reader, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    int seconds = (int)(hours * 60 + minutes) * S_PER_MINUTE;
    *ret_seconds = sign == '-' ? -seconds : seconds;
    return true;
}

bool rfc3339_parse(struct slice text, int64_t *ret_timestamp_ms)
{
    struct civil civil;
    unsigned ms;
    int offset;
    if (text.len == 0)
        return false;
    struct reader reader = { text.data, text.data + text.len };
    if (!read_date(&reader, &civil) || !read_one(&reader, "Tt ") || !read_time(&reader, &civil) ||
        !read_fraction(&reader, &ms) || !read_offset(&reader, &offset) || reader.next != reader.end)
        return false;
    int64_t second = rfc3339_days((int)civil.year, civil.month, civil.day) * S_PER_DAY +
                     (civil.hour * 60 + civil.minute) * S_PER_MINUTE + civil.second - offset;
    if (civil.second == 60 && second % S_PER_DAY != 0)
        return false; /* leap seconds end a day of UTC */
    int64_t timestamp_ms = second * MS_PER_S + ms;
    if (timestamp_ms < METRIC_TIMESTAMP_MIN || timestamp_ms > METRIC_TIMESTAMP_MAX)
        return false;
    *ret_timestamp_ms = timestamp_ms;
    return true;
}
