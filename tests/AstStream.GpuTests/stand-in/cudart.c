#define _GNU_SOURCE
#include "stand-in.h"
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef void *stream;
typedef struct { unsigned x, y, z; } dim3;

/* ---- the log ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *text;
static size_t length, room;
static long capturing; /* the thread that captures; 0 for none */
static unsigned capture_delay;
static char failing[64];
static int failing_after, failing_times;

static long thread(void) { return syscall(SYS_gettid); }

void standin_note(const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&lock);
    if (room - length < sizeof line + 64) {
        room = room * 2 + (1 << 20);
        text = realloc(text, room);
    }
    length += (size_t)sprintf(text + length, "%c %ld %s\n", !capturing ? '-' : capturing == thread() ? 'C' : 'X', thread(), line);
    pthread_mutex_unlock(&lock);
}

int standin_fails(const char *call) {
    int fails = 0;
    pthread_mutex_lock(&lock);
    if (failing_times > 0 && !strcmp(call, failing) && failing_after-- <= 0) {
        failing_times--;
        fails = 1;
    }
    pthread_mutex_unlock(&lock);
    if (fails)
        standin_note("FAILS %s", call);
    return fails;
}

int standin_is_forbidden(const char *call) {
    if (!capturing)
        return 0;
    standin_note("FORBIDDEN %s", call);
    return 1;
}

/* Gives the log so far, which stays valid until the next call of this, and empties it. */
const char *standin_take(void) {
    static char *taken;
    pthread_mutex_lock(&lock);
    free(taken);
    taken = text ? text : calloc(1, 1);
    text = NULL;
    length = room = 0;
    pthread_mutex_unlock(&lock);
    return taken;
}

/* Lets a call fail: after so many that succeed, so many times. */
void standin_fail(const char *call, int after, int times) {
    pthread_mutex_lock(&lock);
    strncpy(failing, call, sizeof failing - 1);
    failing_after = after;
    failing_times = times;
    pthread_mutex_unlock(&lock);
}

/* Lets each capture last longer, so that other threads meet it. */
void standin_delay_captures(unsigned microseconds) { capture_delay = microseconds; }

/* ---- kernels, known by the address that the provider registers ---- */

#define KERNELS (1 << 18)
static struct { const void *at; const char *name; } kernels[KERNELS];

static size_t slot_of(const void *at) {
    size_t i = ((uintptr_t)at >> 2) * 2654435761u % KERNELS;
    while (kernels[i].at && kernels[i].at != at)
        i = (i + 1) % KERNELS;
    return i;
}

static void name_kernel(const void *at, const char *name) {
    size_t i = slot_of(at);
    kernels[i].at = at;
    kernels[i].name = strdup(name);
}

static __thread int last_error; /* kernels fail silently: whoever launches asks for the last error */
static int launch(const void *kernel) {
    const char *name = kernels[slot_of(kernel)].name;
    standin_note("KERNEL %s", name ? name : "?");
    return last_error = standin_fails("cudaLaunchKernel") ? LAUNCH_FAILURE : last_error;
}

void **__cudaRegisterFatBinary(void *binary) { return calloc(1, 64); }
void __cudaRegisterFatBinaryEnd(void **handle) {}
void __cudaUnregisterFatBinary(void **handle) {}
void __cudaRegisterFunction(void **handle, const char *at, char *device, const char *name, int limit, void *a, void *b, void *c, void *d, int *e) { name_kernel(at, name); }
void __cudaRegisterVar(void **handle, char *a, char *b, const char *c, int d, size_t e, int f, int g) {}
int __cudaGetKernel(void **kernel, const void *at) { *kernel = (void *)at; return SUCCESS; }

static __thread struct { dim3 grid, block; size_t shared; stream stream; } configuration;
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, stream s) {
    configuration.grid = grid;
    configuration.block = block;
    configuration.shared = shared;
    configuration.stream = s;
    return 0;
}
int __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *s) {
    *grid = configuration.grid;
    *block = configuration.block;
    *shared = configuration.shared;
    *(stream *)s = configuration.stream;
    return SUCCESS;
}

int cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **arguments, size_t shared, stream s) { return launch(kernel); }
int __cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **arguments, size_t shared, stream s) { return launch(kernel); }
int cudaLaunchCooperativeKernel(const void *kernel, dim3 grid, dim3 block, void **arguments, size_t shared, stream s) { return launch(kernel); }
int cudaLaunchKernelExC(const void *config, const void *kernel, void **arguments) { return launch(kernel); }
int cudaLaunchHostFunc(stream s, void (*function)(void *), void *data) { standin_note("HOSTFUNCTION"); function(data); return SUCCESS; }
int cudaLibraryLoadData(void **library, const void *code, void *a, void *b, unsigned c, void *d, void *e, unsigned f) { *library = calloc(1, 64); return SUCCESS; }
NOTHING(cudaLibraryUnload)
int cudaLibraryGetKernel(void **kernel, void *library, const char *name) { *kernel = calloc(1, 64); name_kernel(*kernel, name); return SUCCESS; }
NOTHING(cudaKernelSetAttributeForDevice)
NOTHING(cudaFuncSetAttribute)
struct function { size_t shared, constant, local; int threads, registers, ptx, binary, cache, most_shared, carveout, rest[16]; };
int cudaFuncGetAttributes(struct function *a, const void *kernel) {
    memset(a, 0, 64);
    a->threads = 1024, a->registers = 64, a->ptx = a->binary = 90, a->most_shared = 49152;
    return SUCCESS;
}
int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *kernel, int size, size_t shared, unsigned flags) { *blocks = 2; return SUCCESS; }

/* ---- the device: an H100 by its numbers ---- */

int cudaGetDeviceCount(int *count) { *count = 1; return SUCCESS; }
static __thread int device;
int cudaGetDevice(int *d) { *d = device; return SUCCESS; }
int cudaSetDevice(int d) { device = d; return d == 0 ? SUCCESS : 101; }
int cudaDeviceGetAttribute(int *value, int attribute, int d) {
    switch (attribute) {
    case 1: *value = 1024; break;               /* threads of a block */
    case 8: *value = 49152; break;              /* shared memory of a block */
    case 10: *value = 32; break;                /* threads of a warp */
    case 12: case 82: *value = 65536; break;    /* registers */
    case 16: *value = 132; break;               /* multiprocessors */
    case 38: *value = 50 << 20; break;          /* L2 cache */
    case 39: *value = 2048; break;              /* threads of a multiprocessor */
    case 41: case 95: case 115: *value = 1; break; /* unified addressing, cooperative launch, memory pools */
    case 75: *value = 9; break;                 /* compute capability */
    case 81: *value = 233472; break;            /* shared memory of a multiprocessor */
    case 97: *value = 232448; break;            /* opt-in shared memory of a block */
    default: *value = 0; break;
    }
    return SUCCESS;
}

/* cudaDeviceProp of CUDA 13, as far as anybody reads it here. */
struct properties {
    char name[256], uuid[16], luid[8];
    unsigned nodes;
    size_t memory, shared_block;
    int registers_block, warp;
    size_t pitch;
    int threads_block, threads_dim[3], grid[3];
    size_t constants;
    int major, minor;
    size_t texture_alignment, texture_pitch;
    int multiprocessors, integrated, maps_host, textures[34];
    size_t surface_alignment;
    int concurrent_kernels, ecc, bus, device, domain, tcc, copy_engines, unified_addressing, bus_width, l2, persisting_l2,
        threads_multiprocessor, priorities, global_l1, local_l1;
    size_t shared_multiprocessor;
    int registers_multiprocessor, managed, multi_board, board_group, native_atomics, pageable, concurrent_managed, preemption, host_pointer,
        cooperative;
    size_t shared_optin;
    int rest[128];
};
int cudaGetDeviceProperties(struct properties *p, int d) {
    memset(p, 0, offsetof(struct properties, rest));
    strcpy(p->name, "Stand-in H100");
    p->memory = 80ull << 30, p->shared_block = 49152, p->registers_block = 65536, p->warp = 32, p->threads_block = 1024;
    p->threads_dim[0] = p->threads_dim[1] = 1024, p->threads_dim[2] = 64;
    p->grid[0] = 2147483647, p->grid[1] = p->grid[2] = 65535;
    p->major = 9, p->multiprocessors = 132, p->maps_host = 1, p->concurrent_kernels = 1, p->copy_engines = 3, p->unified_addressing = 1;
    p->l2 = 50 << 20, p->threads_multiprocessor = 2048, p->shared_multiprocessor = 233472, p->registers_multiprocessor = 65536;
    p->managed = p->cooperative = 1, p->shared_optin = 232448;
    return SUCCESS;
}
int cudaMemGetInfo(size_t *free_bytes, size_t *total) { *free_bytes = 79ull << 30; *total = 80ull << 30; return SUCCESS; }
int cudaRuntimeGetVersion(int *version) { *version = 13000; return SUCCESS; }
int cudaDriverGetVersion(int *version) { *version = 13000; return SUCCESS; }
static int nothing(void) { return SUCCESS; }
int cudaGetDriverEntryPointByVersion(const char *name, void **function, unsigned version, unsigned long long flags, int *status) {
    *function = (void *)nothing;
    if (status)
        *status = 0;
    return SUCCESS;
}
int cudaPeekAtLastError(void) { return last_error; }
int cudaGetLastError(void) { int error = last_error; last_error = SUCCESS; return error; }
const char *cudaGetErrorName(int error) { return error == OUT_OF_MEMORY ? "cudaErrorMemoryAllocation" : "cudaErrorOfStandIn"; }
const char *cudaGetErrorString(int error) { return error == CAPTURE_UNSUPPORTED ? "operation not permitted when stream is capturing" : "made to fail"; }

/* ---- memory ---- */

static size_t allocated, memory_limit;

/* Lets the device have so many bytes; 0 for no limit. */
void standin_limit_memory(size_t bytes) { memory_limit = bytes; }

static int allocate(void **memory, size_t bytes, const char *call) {
    *memory = NULL;
    if (standin_is_forbidden(call))
        return CAPTURE_UNSUPPORTED;
    standin_note("ALLOCATE %s %zu", call, bytes);
    if (standin_fails(call) || posix_memalign(memory, 512, bytes ? bytes : 1))
        return OUT_OF_MEMORY;
    memset(*memory, 0, bytes);
    return SUCCESS;
}
int cudaMalloc(void **memory, size_t bytes) {
    *memory = NULL;
    int error = memory_limit && allocated + bytes > memory_limit ? OUT_OF_MEMORY : allocate(memory, bytes, "cudaMalloc");
    if (*memory)
        __sync_fetch_and_add(&allocated, malloc_usable_size(*memory));
    return last_error = error ? error : last_error;
}
int cudaMallocHost(void **memory, size_t bytes) { return allocate(memory, bytes, "cudaMallocHost"); }
int cudaHostAlloc(void **memory, size_t bytes, unsigned flags) { return allocate(memory, bytes, "cudaHostAlloc"); }
int cudaMallocFromPoolAsync(void **memory, size_t bytes, void *pool, stream s) { return allocate(memory, bytes, "cudaMallocFromPoolAsync"); }
static int release(void *memory, const char *call) {
    if (standin_is_forbidden(call))
        return CAPTURE_UNSUPPORTED;
    free(memory);
    return SUCCESS;
}
int cudaFree(void *memory) {
    if (memory)
        __sync_fetch_and_sub(&allocated, malloc_usable_size(memory));
    return release(memory, "cudaFree");
}
int cudaFreeHost(void *memory) { return release(memory, "cudaFreeHost"); }
int cudaFreeAsync(void *memory, stream s) { return release(memory, "cudaFreeAsync"); }
static const char *direction(int kind) { return kind == 1 ? "up" : kind == 2 ? "down" : kind == 3 ? "device" : "any"; }
int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
    if (standin_is_forbidden("cudaMemcpy"))
        return CAPTURE_UNSUPPORTED;
    standin_note("COPY sync %s %zu", direction(kind), bytes);
    memmove(to, from, bytes);
    return SUCCESS;
}
int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, stream s) {
    if (!s && standin_is_forbidden("cudaMemcpyAsync on the default stream"))
        return CAPTURE_UNSUPPORTED;
    standin_note("COPY async %s %zu stream %p", direction(kind), bytes, s);
    if (standin_fails("cudaMemcpyAsync"))
        return LAUNCH_FAILURE;
    if (kind != 3) /* within the device it is a kernel like any other */
        memmove(to, from, bytes);
    return SUCCESS;
}
int cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, int kind, stream s) {
    standin_note("COPY async %s %zu stream %p", direction(kind), width * height, s);
    for (size_t i = 0; i < height; i++)
        memmove((char *)to + i * to_pitch, (const char *)from + i * from_pitch, width);
    return SUCCESS;
}
int cudaMemcpyFromSymbol(void *to, const void *from, size_t bytes, size_t offset, int kind) { memset(to, 0, bytes); return SUCCESS; }
int cudaMemset(void *memory, int value, size_t bytes) {
    if (standin_is_forbidden("cudaMemset"))
        return CAPTURE_UNSUPPORTED;
    memset(memory, value, bytes);
    return SUCCESS;
}
int cudaMemsetAsync(void *memory, int value, size_t bytes, stream s) { standin_note("MEMSET %zu", bytes); memset(memory, value, bytes); return SUCCESS; }
int cudaPointerGetAttributes(int *attributes, const void *memory) { memset(attributes, 0, 32); attributes[0] = 2; return SUCCESS; }
int cudaMemPoolCreate(void **pool, void *settings) { *pool = calloc(1, 64); return SUCCESS; }
NOTHING(cudaMemPoolDestroy)
NOTHING(cudaMemPoolSetAttribute)
NOTHING(cudaMemPoolTrimTo)
int cudaMemPoolGetAttribute(void *pool, int attribute, uint64_t *value) { *value = 0; return SUCCESS; }

/* ---- streams, events, captures ---- */

int cudaStreamCreateWithFlags(stream *s, unsigned flags) { *s = calloc(1, 64); standin_note("STREAM %p flags %u", *s, flags); return SUCCESS; }
int cudaStreamCreate(stream *s) { return cudaStreamCreateWithFlags(s, 0); }
int cudaStreamDestroy(stream s) { free(s); return SUCCESS; }
int cudaStreamSynchronize(stream s) {
    if (standin_is_forbidden("cudaStreamSynchronize"))
        return CAPTURE_UNSUPPORTED;
    standin_note("WAIT stream %p", s);
    return standin_fails("cudaStreamSynchronize") ? LAUNCH_FAILURE : SUCCESS;
}
int cudaDeviceSynchronize(void) {
    if (standin_is_forbidden("cudaDeviceSynchronize"))
        return CAPTURE_UNSUPPORTED;
    standin_note("WAIT device");
    return SUCCESS;
}
NOTHING(cudaStreamWaitEvent)
int cudaStreamBeginCapture(stream s, int mode) {
    if (capturing) {
        standin_note("FORBIDDEN cudaStreamBeginCapture beside another capture");
        return CAPTURE_UNSUPPORTED;
    }
    capturing = thread();
    standin_note("CAPTURE begin");
    if (capture_delay)
        usleep(capture_delay);
    return SUCCESS;
}
int cudaStreamEndCapture(stream s, void **graph) { standin_note("CAPTURE end"); capturing = 0; *graph = calloc(1, 64); return SUCCESS; }
int cudaStreamIsCapturing(stream s, int *status) { *status = capturing == thread(); return SUCCESS; }
int cudaGraphInstantiate(void **executable, void *graph, unsigned long long flags) { *executable = calloc(1, 64); return SUCCESS; }
int cudaGraphLaunch(void *executable, stream s) { standin_note("REPLAY"); return standin_fails("cudaGraphLaunch") ? LAUNCH_FAILURE : SUCCESS; }
int cudaGraphDestroy(void *graph) { free(graph); return SUCCESS; }
int cudaGraphExecDestroy(void *executable) { free(executable); return SUCCESS; }
int cudaEventCreateWithFlags(void **event, unsigned flags) { *event = calloc(1, 64); return SUCCESS; }
int cudaEventCreate(void **event) { return cudaEventCreateWithFlags(event, 0); }
int cudaEventDestroy(void *event) { free(event); return SUCCESS; }
NOTHING(cudaEventRecord)
NOTHING(cudaEventRecordWithFlags)
int cudaEventSynchronize(void *event) { return standin_is_forbidden("cudaEventSynchronize") ? CAPTURE_UNSUPPORTED : SUCCESS; }
int cudaEventElapsedTime(float *milliseconds, void *from, void *to) { *milliseconds = 1; return SUCCESS; }
