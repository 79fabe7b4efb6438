/* Writing all of some bytes. */
#ifndef CLI_WRITE_ALL_H
#define CLI_WRITE_ALL_H

#include <stddef.h>

/* Goes on where a signal broke it off, and where a part was written. 0, or errno. */
int cli_write_all(int descriptor, const void *bytes, size_t size);

#endif
