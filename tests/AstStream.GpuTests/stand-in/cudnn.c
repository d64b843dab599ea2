#include "stand-in.h"
#include <stdlib.h>
#include <string.h>

/* 9.1: the last one before its attention kernel is taken, whose graph interface would have to be stood in for. */
size_t cudnnGetVersion(void) { return 90100; }
size_t cudnnGetCudartVersion(void) { return 13000; }
int cudnnCreate(void **handle) { *handle = calloc(1, 64); return SUCCESS; }
int cudnnDestroy(void *handle) { free(handle); return SUCCESS; }
NOTHING(cudnnSetStream)
int cudnnGetStream(void *handle, void **stream) { *stream = 0; return SUCCESS; }
const char *cudnnGetErrorString(int status) { return "made to fail"; }
void cudnnGetLastErrorString(char *message, size_t size) { memset(message, 0, size > 0); }

/* The mean over tokens, from two windows on. */
int cudnnCreateReduceTensorDescriptor(void **descriptor) { *descriptor = calloc(1, 64); return SUCCESS; }
int cudnnDestroyReduceTensorDescriptor(void *descriptor) { free(descriptor); return SUCCESS; }
NOTHING(cudnnSetReduceTensorDescriptor)
int cudnnCreateTensorDescriptor(void **descriptor) { *descriptor = calloc(1, 64); return SUCCESS; }
int cudnnDestroyTensorDescriptor(void *descriptor) { free(descriptor); return SUCCESS; }
NOTHING(cudnnSetTensorNdDescriptor)
int cudnnGetReductionIndicesSize(void *h, void *r, void *a, void *b, size_t *bytes) { *bytes = 64; return SUCCESS; }
int cudnnGetReductionWorkspaceSize(void *h, void *r, void *a, void *b, size_t *bytes) { *bytes = 64; return SUCCESS; }
int cudnnReduceTensor(void) { standin_note("CUDNN reduce"); return SUCCESS; }
