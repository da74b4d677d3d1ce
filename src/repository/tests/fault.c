/* Preloaded into a process, fails what a test asks for, as a dying disk does:
 *   FAULT_FROM, FAULT_TO  which syncs fail, counted from 1
 *   FAULT_WHILE           syncs fail as long as there is a file of this name
 *   FAULT_UNREADABLE      once a sync failed: files whose path ends like this cannot be opened for reading
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long synced;
static int failed;

static long number(const char *name) {
	const char *text = getenv(name);
	return text ? atol(text) : 0;
}

static int sync_with(const char *symbol, int fd) {
	const char *sign = getenv("FAULT_WHILE");
	synced++;
	if ((synced >= number("FAULT_FROM") && synced <= number("FAULT_TO")) || (sign && access(sign, F_OK) == 0)) {
		failed = 1;
		errno = EIO;
		return -1;
	}
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, symbol);
	return real(fd);
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }

static int is_unreadable(const char *path, int flags) {
	const char *end = getenv("FAULT_UNREADABLE");
	if (!failed || !end || (flags & O_ACCMODE) != O_RDONLY)
		return 0;
	size_t length = strlen(path), wanted = strlen(end);
	return length >= wanted && strcmp(path + length - wanted, end) == 0;
}

static int open_with(const char *symbol, const char *path, int flags, mode_t mode) {
	if (is_unreadable(path, flags)) {
		errno = EIO;
		return -1;
	}
	int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, symbol);
	return real(path, flags, mode);
}

#define OPEN(name)                                                     \
	int name(const char *path, int flags, ...) {                   \
		mode_t mode = 0;                                       \
		if (flags & (O_CREAT | O_TMPFILE)) {                   \
			va_list more;                                  \
			va_start(more, flags);                         \
			mode = va_arg(more, mode_t);                   \
			va_end(more);                                  \
		}                                                      \
		return open_with(#name, path, flags, mode);            \
	}
OPEN(open)
OPEN(open64)
