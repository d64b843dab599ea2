/* CUDA's libraries without a GPU: ONNX Runtime's own CUDA provider runs on them, and every call is written down. Memory is the host's,
   kernels and products do nothing, so that scores are zeros. A call that a real capture forbids fails as it would there. */
#include <stddef.h>

#define SUCCESS 0
#define OUT_OF_MEMORY 2
#define INVALID_VALUE 1
#define LAUNCH_FAILURE 719
#define CAPTURE_UNSUPPORTED 900

/* Writes a line: a mark, the thread, the call. The mark is '-', 'C' in this thread's own capture, 'X' in another thread's. */
void standin_note(const char *format, ...);

/* Whether this call is one that a test wants to fail; it is written down. */
int standin_fails(const char *call);

/* Whether a capture is under way, in which the call is forbidden; it is written down then. */
int standin_is_forbidden(const char *call);

/* A call that has nothing to do here. */
#define NOTHING(name) int name(void) { return SUCCESS; }

/* A call that ONNX Runtime makes for other models only. */
#define UNEXPECTED(name) int name(void) { standin_note("UNEXPECTED " #name); return LAUNCH_FAILURE; }
