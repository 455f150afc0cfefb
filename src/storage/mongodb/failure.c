/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <string.h>

static const struct {
    const char *text;
    enum status status;
    bool doubt, stops_reads;
} table[FAILURE_COUNT] = {
    [FAILURE_NONE] = { "", STATUS_OK, false, false },
    [FAILURE_UNREACHABLE] = { "no server can be reached", STATUS_STORAGE_UNAVAILABLE, false, true },
    [FAILURE_NO_PRIMARY] = { "no server takes writes: there is no primary", STATUS_STORAGE_UNAVAILABLE, false, true },
    [FAILURE_LOGIN] = { "wrong user or password", STATUS_STORAGE_UNAVAILABLE, false, true },
    [FAILURE_FORBIDDEN] = { "no right to read or write the database", STATUS_STORAGE_UNAVAILABLE, false, false },
    [FAILURE_FULL] = { "no space is left", STATUS_STORAGE_FULL, true, false },
    [FAILURE_TOO_SLOW] = { "a call took too long", STATUS_STORAGE_UNAVAILABLE, true, false },
    [FAILURE_LOST] = { "the connection broke", STATUS_STORAGE_UNAVAILABLE, true, true },
    [FAILURE_STEPPED_DOWN] = { "the server takes no writes: it is not the primary", STATUS_STORAGE_UNAVAILABLE, true,
                               false },
    [FAILURE_UNCONFIRMED] = { "too few servers confirm writes", STATUS_STORAGE_UNAVAILABLE, true, false },
    [FAILURE_REFUSED] = { "the server refuses a call", STATUS_STORAGE_UNAVAILABLE, true, false },
    [FAILURE_UNSEEN] = { "no server was reached yet", STATUS_STORAGE_UNAVAILABLE, false, true },
    [FAILURE_SETTING_UP] = { "the indexes are being made", STATUS_STORAGE_UNAVAILABLE, false, true },
};

/* Server codes and what they mean here; those of a kind stand together. */
static const struct {
    int32_t code;
    enum failure failure;
} codes[] = {
    { 18, FAILURE_LOGIN },           /* AuthenticationFailed */
    { 11, FAILURE_LOGIN },           /* UserNotFound */
    { 13, FAILURE_FORBIDDEN },       /* Unauthorized */
    { 14031, FAILURE_FULL },         /* OutOfDiskSpace */
    { 50, FAILURE_TOO_SLOW },        /* MaxTimeMSExpired */
    { 262, FAILURE_TOO_SLOW },       /* ExceededTimeLimit */
    { 10107, FAILURE_STEPPED_DOWN }, /* NotWritablePrimary */
    { 10058, FAILURE_STEPPED_DOWN }, /* LegacyNotPrimary */
    { 13435, FAILURE_STEPPED_DOWN }, /* NotPrimaryNoSecondaryOk */
    { 13436, FAILURE_STEPPED_DOWN }, /* NotPrimaryOrSecondary */
    { 189, FAILURE_STEPPED_DOWN },   /* PrimarySteppedDown */
    { 11602, FAILURE_STEPPED_DOWN }, /* InterruptedDueToReplStateChange */
    { 11600, FAILURE_LOST },         /* InterruptedAtShutdown */
    { 91, FAILURE_LOST },            /* ShutdownInProgress */
    { 6, FAILURE_LOST },             /* HostUnreachable: between a router and a shard */
    { 7, FAILURE_LOST },             /* HostNotFound */
    { 89, FAILURE_LOST },            /* NetworkTimeout */
    { 202, FAILURE_LOST },           /* NetworkInterfaceExceededTimeLimit */
    { 9001, FAILURE_LOST },          /* SocketException */
    { 133, FAILURE_LOST },           /* FailedToSatisfyReadPreference */
    { 64, FAILURE_UNCONFIRMED },     /* WriteConcernFailed */
    { 75, FAILURE_UNCONFIRMED },     /* WriteConcernTimeout, by an older name */
    { 79, FAILURE_UNCONFIRMED },     /* UnknownReplWriteConcern */
    { 100, FAILURE_UNCONFIRMED },    /* UnsatisfiableWriteConcern */
};

enum failure failure_of_code(int64_t code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].code == code)
            return codes[i].failure;
    return FAILURE_REFUSED;
}

static enum failure failure_of_stream(uint32_t code)
{
    switch (code) {
    case MONGOC_ERROR_STREAM_NAME_RESOLUTION:
    case MONGOC_ERROR_STREAM_CONNECT:
    case MONGOC_ERROR_STREAM_NOT_ESTABLISHED:
        return FAILURE_UNREACHABLE;
    default:
        return FAILURE_LOST;
    }
}

/* Behind a login that failed, the driver takes the server for unknown until it has looked at it again; who selects
 * one meanwhile learns the reason from the text alone. */
static enum failure failure_of_selection(const char *message)
{
    return strcasestr(message, "authentication failed") != NULL ? FAILURE_LOGIN : FAILURE_UNREACHABLE;
}

enum failure failure_of(const bson_error_t *error)
{
    switch (error->domain) {
    case MONGOC_ERROR_SERVER_SELECTION:
        return failure_of_selection(error->message);
    case MONGOC_ERROR_SASL:
    case MONGOC_ERROR_SCRAM:
        return FAILURE_LOGIN;
    case MONGOC_ERROR_CLIENT:
        return error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE ? FAILURE_LOGIN : FAILURE_REFUSED;
    case MONGOC_ERROR_STREAM:
        return failure_of_stream(error->code);
    case MONGOC_ERROR_PROTOCOL:
        return FAILURE_LOST;
    case MONGOC_ERROR_WRITE_CONCERN:
        return FAILURE_UNCONFIRMED;
    case MONGOC_ERROR_SERVER:
        return failure_of_code(error->code);
    default:
        return FAILURE_REFUSED;
    }
}

bool failure_leaves_doubt(enum failure failure)
{
    return table[failure].doubt;
}

bool failure_stops_reads(enum failure failure)
{
    return table[failure].stops_reads;
}

enum status failure_status(enum failure failure)
{
    return table[failure].status;
}

const char *failure_text(enum failure failure)
{
    return table[failure].text;
}

bool failure_is_of_document(int64_t code)
{
    switch (code) {
    case 2:     /* BadValue */
    case 52:    /* DollarPrefixedFieldName */
    case 121:   /* DocumentValidationFailure */
    case 10334: /* BSONObjectTooLarge */
    case 17280: /* KeyTooLong */
        return true;
    default:
        return false;
    }
}

bool failure_is_duplicate(int64_t code)
{
    return code == 11000 || code == 11001 || code == 12582;
}
