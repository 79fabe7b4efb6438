/* A folder of its own for the files of a test program: setup and teardown of its group of tests. */
#ifndef TALLOW_TESTS_FOLDER_H
#define TALLOW_TESTS_FOLDER_H

/* Its name, once it is made. */
extern char folder[];

int folder_make(void **state);
/* Fails where a test has left a file in it. */
int folder_remove(void **state);

/* Of a file in it; valid until the next call. */
const char *path_of(const char *name);

#endif
