/* record: a preload shim, in three parts that are used one at a time.
 *
 * Faults: while the file ONELANE_FAULT is there, what it says goes wrong in ONELANE_RECORD_FOLDER: `full` no write finds room,
 * `write` writes fail, `torn` half of each is written and it fails, `late` all of it is written and it fails, `sync` syncs
 * fail, `slow` writes and syncs take 20 ms, `drag` syncs take 10 ms, `hang` they take until the file is gone. (Writes are done
 * by pwrite: logs and answers are spared.)
 *
 * A slow disk: with ONELANE_SYNC_MILLIS every sync in ONELANE_RECORD_FOLDER takes so much longer, and nothing else does.
 *
 * Record: Writes down, in order, what the process does to the files of ONELANE_RECORD_FOLDER, into the file
 * ONELANE_RECORD (which lies elsewhere). Each step: kind u32, length of the name u32, number i64, length i64, name, bytes.
 * Read by Record.ts. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAKE, REMOVE, SYNC, SYNC_FOLDER, WRITE, CUT, LINK };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;
static const char *folder;
static size_t folder_length;
static const char *fault;
static int sync_millis;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *record = getenv("ONELANE_RECORD");
  folder = getenv("ONELANE_RECORD_FOLDER");
  fault = getenv("ONELANE_FAULT");
  sync_millis = getenv("ONELANE_SYNC_MILLIS") ? atoi(getenv("ONELANE_SYNC_MILLIS")) : 0;
  if (!folder) return;
  folder_length = strlen(folder);
  if (!record) return;
  out = NEXT(open)(record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The name within the folder; "" for the folder itself, null for what lies elsewhere. */
static const char *within(const char *path) {
  if (!folder || !path || strncmp(path, folder, folder_length) != 0) return NULL;
  if (path[folder_length] == 0) return path + folder_length;
  return path[folder_length] == '/' ? path + folder_length + 1 : NULL;
}

static const char *name_of(int fd, char *path, size_t size) {
  char link[64];
  if (!folder || fd == out) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return NULL;
  path[length] = 0;
  return within(path);
}

static void note(uint32_t kind, const char *name, int64_t number, const void *bytes, int64_t length) {
  if (out < 0) return;
  struct { uint32_t kind, name; int64_t number, length; } head = {kind, (uint32_t)strlen(name), number, length};
  struct iovec parts[3] = {{&head, sizeof head}, {(void *)name, head.name}, {(void *)bytes, (size_t)length}};
  NEXT(writev)(out, parts, 3);
}

/* What is to go wrong with a call on `fd` now: its first letter, 0 for nothing. Waits where the disk is slow or hangs. */
static char wrong(int fd) {
  char path[4096], said[8] = "";
  if (!fault || access(fault, F_OK) != 0 || !name_of(fd, path, sizeof path)) return 0;
  int file = NEXT(open64)(fault, O_RDONLY);
  if (file < 0) return 0;
  ssize_t length = read(file, said, sizeof said - 1);
  close(file);
  if (length <= 0) return 0;
  if (strncmp(said, "sync", 4) == 0) return 'y';
  if (strncmp(said, "slow", 4) == 0) return usleep(20000), 0;
  if (strncmp(said, "hang", 4) != 0) return said[0];
  while (access(fault, F_OK) == 0) usleep(5000);
  return 0;
}

static int failing_sync(int fd) {
  char path[4096];
  if (sync_millis && name_of(fd, path, sizeof path)) usleep(sync_millis * 1000);
  char how = wrong(fd);
  if (how == 'd') usleep(10000);
  return how == 'y' ? errno = EIO, 1 : 0;
}

/* A step is noted after it was done and before anything that follows from it. */
static ssize_t wrote(int fd, const void *bytes, ssize_t done, int64_t offset) {
  char path[4096];
  const char *name = out >= 0 && done > 0 ? name_of(fd, path, sizeof path) : NULL;
  if (name && *name) note(WRITE, name, offset, bytes, done);
  return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  char how = wrong(fd);
  if (how && how != 'y' && how != 'd') {
    if (how == 't') NEXT(pwrite64)(fd, bytes, length / 2, offset);
    if (how == 'l') NEXT(pwrite64)(fd, bytes, length, offset);
    errno = how == 'f' ? ENOSPC : EIO;
    return -1;
  }
  pthread_mutex_lock(&turn);
  ssize_t done = wrote(fd, bytes, NEXT(pwrite64)(fd, bytes, length, offset), offset);
  pthread_mutex_unlock(&turn);
  return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return pwrite64(fd, bytes, length, offset);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  if (out < 0) return NEXT(write)(fd, bytes, length);
  pthread_mutex_lock(&turn);
  ssize_t done = NEXT(write)(fd, bytes, length);
  char path[4096];
  if (done > 0 && name_of(fd, path, sizeof path)) wrote(fd, bytes, done, lseek64(fd, 0, SEEK_CUR) - done);
  pthread_mutex_unlock(&turn);
  return done;
}

static int synced(int fd, int done) {
  char path[4096];
  const char *name = done == 0 ? name_of(fd, path, sizeof path) : NULL;
  if (name) note(*name ? SYNC : SYNC_FOLDER, name, 0, NULL, 0);
  return done;
}

int fsync(int fd) {
  if (failing_sync(fd)) return -1;
  pthread_mutex_lock(&turn);
  int done = synced(fd, NEXT(fsync)(fd));
  pthread_mutex_unlock(&turn);
  return done;
}

int fdatasync(int fd) {
  if (failing_sync(fd)) return -1;
  pthread_mutex_lock(&turn);
  int done = synced(fd, NEXT(fdatasync)(fd));
  pthread_mutex_unlock(&turn);
  return done;
}

int ftruncate64(int fd, off64_t length) {
  pthread_mutex_lock(&turn);
  int done = NEXT(ftruncate64)(fd, length);
  char path[4096];
  const char *name = done == 0 ? name_of(fd, path, sizeof path) : NULL;
  if (name && *name) note(CUT, name, length, NULL, 0);
  pthread_mutex_unlock(&turn);
  return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
  pthread_mutex_lock(&turn);
  int done = NEXT(unlink)(path);
  const char *name = done == 0 ? within(path) : NULL;
  if (name && *name) note(REMOVE, name, 0, NULL, 0);
  pthread_mutex_unlock(&turn);
  return done;
}

/* The new name is the step's, the old one its bytes. */
int link(const char *old, const char *path) {
  pthread_mutex_lock(&turn);
  int done = NEXT(link)(old, path);
  const char *name = done == 0 ? within(path) : NULL, *from = within(old);
  if (name && from) note(LINK, name, 0, from, (int64_t)strlen(from));
  pthread_mutex_unlock(&turn);
  return done;
}

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  const char *name = (flags & O_CREAT) ? within(path) : NULL;
  if (!name || !*name) return NEXT(open64)(path, flags, mode);
  pthread_mutex_lock(&turn);
  struct stat64 before;
  int is_new = stat64(path, &before) != 0;
  int fd = NEXT(open64)(path, flags, mode);
  if (fd >= 0 && is_new) note(MAKE, name, 0, NULL, 0);
  else if (fd >= 0 && (flags & O_TRUNC)) note(CUT, name, 0, NULL, 0);
  pthread_mutex_unlock(&turn);
  return fd;
}

int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return open64(path, flags, mode);
}
