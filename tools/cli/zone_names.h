/* The time zones that the system has. */
#ifndef CLI_ZONE_NAMES_H
#define CLI_ZONE_NAMES_H

#define CLI_ZONE_NAME_SIZE 64

/*
 * The name of the zone that was meant by what is none: the one that is most like it, or whose city is, such as
 * Europe/Berlin for Berln; or the one that is called so, such as Etc/GMT-2 for UTC+2. 1; 0: none is.
 */
int cli_zone_nearest(const char *name, char out[CLI_ZONE_NAME_SIZE]);

#define CLI_ZONE_VERSION_SIZE 32

/* The version of the zones, such as 2024a; "unknown" where they do not tell. Returns out. */
const char *cli_zone_version(char out[CLI_ZONE_VERSION_SIZE]);

#endif
