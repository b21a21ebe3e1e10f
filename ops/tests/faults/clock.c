/* Preloaded into one process, moves its wall clock by the microseconds in the file FAULT_CLOCK names, as that file
 * changes. Other clocks, which timers go by, stay what they are. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *offset_micros;

__attribute__((constructor)) static void open_offset(void) {
    const char *path = getenv("FAULT_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) abort();
    void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) abort();
    offset_micros = mapped;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (syscall(SYS_clock_gettime, clock, time) != 0) return -1;
    if (clock == CLOCK_REALTIME && offset_micros) {
        int64_t micros = time->tv_sec * INT64_C(1000000) + time->tv_nsec / 1000 + *offset_micros;
        time->tv_sec = micros / 1000000;
        time->tv_nsec = (micros % 1000000) * 1000;
    }
    return 0;
}
