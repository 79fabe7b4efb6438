/* Operations on files: what the library does with the file system goes through here, where tests can make it fail. */
#ifndef TALLOW_BASE_FILE_H
#define TALLOW_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As the functions of POSIX that they are named after, but repeated where a signal broke them off. -1 with errno. */
int tlw_file_open(const char *path, int flags, mode_t mode);
ssize_t tlw_file_read(int descriptor, void *target, size_t size);
ssize_t tlw_file_read_at(int descriptor, void *target, size_t size, off_t offset); /* pread */
/* Writes all of it. 0, or -1 with errno. */
int tlw_file_write(int descriptor, const void *source, size_t size);
int tlw_file_sync(int descriptor); /* fsync */
int tlw_file_close(int descriptor);
int tlw_file_rename(const char *from, const char *to);
int tlw_file_unlink(const char *path);
/* A new file from a template that ends in XXXXXX, close-on-exec. */
int tlw_file_temporary(char *name);

#endif
